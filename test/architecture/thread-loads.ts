/** What the root of a thread loads as it starts, by itself or through others: each thread pays for its own copy. */
import { MAIN_THREAD_PACKAGES, THREAD_ROOT } from "./rules.ts";

/** Specifiers that each file loads at once, by path; files of the house as paths. */
type Loads = ReadonlyMap<string, readonly string[]>;

/** One finding for each package of the main thread alone that another thread loads, with the way that leads to it. */
export function threadLoadFindings(loads: Loads): string[] {
  const roots = [...loads.keys()].filter((path) => THREAD_ROOT.test(path));
  return roots.flatMap((root) => {
    const ways = waysFrom(root, loads);
    const found = MAIN_THREAD_PACKAGES.map((name) => ways.get(name)).filter((way) => way !== undefined);
    return found.map(
      (way) => `${root}: loads "${way.at(-1)}", which only the main thread needs: ${way.join(" -> ")}`,
    );
  });
}

/** The shortest way to each thing that `root` loads. */
function waysFrom(root: string, loads: Loads): ReadonlyMap<string, readonly string[]> {
  const ways = new Map<string, readonly string[]>([[root, [root]]]);
  // A Map that grows while it is walked goes on with what was added.
  for (const [here, way] of ways) {
    for (const next of loads.get(here) ?? []) if (!ways.has(next)) ways.set(next, [...way, next]);
  }
  return ways;
}
