/** One circle for each knot of files that reach each other: the shortest through its first file by name. */
export function findCircles(arrows: ReadonlyMap<string, readonly string[]>): string[][] {
  const circles: string[][] = [];
  const reported = new Set<string>();
  for (const start of [...arrows.keys()].toSorted()) {
    if (reported.has(start)) continue;
    const circle = shortestCircle(arrows, start);
    if (circle === undefined) continue;
    for (const member of circle) reported.add(member);
    circles.push(circle);
  }
  return circles;
}

function shortestCircle(arrows: ReadonlyMap<string, readonly string[]>, start: string): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const waiting = [start];
  for (let here = waiting.shift(); here !== undefined; here = waiting.shift()) {
    for (const next of arrows.get(here) ?? []) {
      if (next === start) return pathTo(cameFrom, start, here);
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, here);
      waiting.push(next);
    }
  }
  return undefined;
}

function pathTo(cameFrom: ReadonlyMap<string, string>, start: string, last: string): string[] {
  const path = [start];
  for (let here: string | undefined = last; here !== undefined && here !== start; here = cameFrom.get(here)) {
    path.unshift(here);
  }
  return [start, ...path];
}
