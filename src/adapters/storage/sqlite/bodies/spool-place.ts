/** Places of bodies in the spool: `NAME` for a file of its own, `NAME@START` for a body in a segment. */
import { join } from "node:path";

/** Returns the spool of a data folder. */
export function spoolIn(folder: string): string {
  return join(folder, "spool");
}

interface SpoolPlace {
  readonly name: string;
  /** Offset in a segment, in bytes; absent if the body has a file of its own. */
  readonly start?: number;
}

export function placeIn(segment: string, start: number): string {
  return `${segment}@${start}`;
}

export function placeOf(spool: string): SpoolPlace {
  const [name = "", start] = spool.split("@");
  return start === undefined ? { name } : { name, start: Number(start) };
}

/** Returns two texts between which all places in the segment are sorted. */
export function boundsOf(segment: string): readonly [after: string, before: string] {
  return [`${segment}@`, `${segment}A`];
}
