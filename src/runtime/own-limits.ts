/** Limits that the system sets for this process. */
import { readFileSync } from "node:fs";

type OwnLimit = "open files" | "processes";

/** Returns the soft limit, or undefined if it is unknown. */
export function ownLimit(what: OwnLimit, limits: () => string = readLimits): number | undefined {
  try {
    const [, soft] = new RegExp(`^Max ${what}\\s+(\\d+|unlimited)`, "m").exec(limits()) ?? [];
    if (soft === "unlimited") return Number.POSITIVE_INFINITY;
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

function readLimits(): string {
  return readFileSync("/proc/self/limits", "utf8");
}
