/** Where a body lies in the spool: in a file of its own, `NAME`, or in a segment from an octet on, `NAME@START`. */
import { join } from "node:path";

/** The spool of a data folder. */
export function spoolIn(folder: string): string {
  return join(folder, "spool");
}

interface SpoolPlace {
  readonly name: string;
  /** Absent: the file is its own. */
  readonly start?: number;
}

export function placeIn(segment: string, start: number): string {
  return `${segment}@${start}`;
}

export function placeOf(spool: string): SpoolPlace {
  const [name = "", start] = spool.split("@");
  return start === undefined ? { name } : { name, start: Number(start) };
}

/** All places within a segment sort between these two. */
export function boundsOf(segment: string): readonly [after: string, before: string] {
  return [`${segment}@`, `${segment}A`];
}
