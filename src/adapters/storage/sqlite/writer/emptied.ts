import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { spoolIn } from "../bodies/spool-place.ts";
import { QUEUE_FILE, WAL_FILE } from "../disk/connection.ts";

/** The database is empty or missing, but files that belong to its mail are still in the folder. */
export class QueueEmptied extends Error {
  override readonly name = "QueueEmptied";

  constructor(file: string, { what, left }: { readonly what: "empty" | "missing"; readonly left: string }) {
    super(
      `${file} is ${what}, but ${left} beside it holds what belongs to it. Copy the data folder first; then restore a backup, or, if the ` +
        `queue is to begin anew, move ${QUEUE_FILE}, ${WAL_FILE} and spool away`,
    );
  }
}

/** Throws QueueEmptied. Otherwise SQLite would create a new database and remove the WAL, and the sweep the bodies. */
export function refuseEmptied(folder: string): void {
  const file = join(folder, QUEUE_FILE);
  const size = sizeOf(file);
  if (size !== undefined && size > 0) return;
  const what = size === 0 ? "empty" : "missing";
  if ((sizeOf(join(folder, WAL_FILE)) ?? 0) > 0) throw new QueueEmptied(file, { what, left: WAL_FILE });
  // Incomplete bodies belong to no mail, nor does `lost+found`.
  const holdsBody = readdirSync(spoolIn(folder)).some((name) => /^[\da-f]+$/.test(name));
  if (holdsBody) throw new QueueEmptied(file, { what, left: "spool" });
}

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size;
}
