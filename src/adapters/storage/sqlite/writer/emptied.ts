import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { spoolIn } from "../bodies/spool-place.ts";
import { QUEUE_FILE, WAL_FILE } from "../disk/connection.ts";

/** The database was cut to nothing, and beside it lies what belongs to its mail. */
export class QueueEmptied extends Error {
  override readonly name = "QueueEmptied";

  constructor(file: string, left: string) {
    super(
      `${file} is empty, but ${left} beside it is not. Copy the data folder first; then restore a backup, or, if the ` +
        `queue is to begin anew, move ${QUEUE_FILE}, ${WAL_FILE} and spool away`,
    );
  }
}

/** SQLite would make a new database, and remove the WAL; an hour later the bodies would be swept. Throws QueueEmptied. */
export function refuseEmptied(folder: string): void {
  const file = join(folder, QUEUE_FILE);
  if (sizeOf(file) !== 0) return;
  if ((sizeOf(join(folder, WAL_FILE)) ?? 0) > 0) throw new QueueEmptied(file, WAL_FILE);
  const bodies = readdirSync(spoolIn(folder)).filter((name) => !name.endsWith(".tmp"));
  if (bodies.length > 0) throw new QueueEmptied(file, "spool");
}

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size;
}
