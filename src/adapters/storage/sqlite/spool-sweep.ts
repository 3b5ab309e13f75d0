import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { openMailReader } from "./connection.ts";
import { writeDurably } from "./disk.ts";

/** A spool file that no mail names is an orphan after this time, in ms; a body takes less to be stored. */
const ORPHAN_AGE = 60 * 60 * 1000;

/**
 * Removes spool files that no mail names. Ages are measured against a file written at this moment, so that
 * neither a clock that jumped nor one moved by a test can make a fresh file look old. Answers how many went.
 */
export async function sweepSpool(spool: string, folder: string): Promise<number> {
  const now = await fileSystemTime(spool);
  const names = await readdir(spool);
  const database = openMailReader(folder);
  const known = database.prepare<[string], number>("SELECT 1 FROM message WHERE spool = ?").pluck();
  let removed = 0;
  try {
    for (const name of names) {
      const file = join(spool, name);
      const info = await stat(file).catch(() => undefined);
      if (info === undefined || now - info.mtimeMs < ORPHAN_AGE || known.get(name) !== undefined) continue;
      await rm(file, { force: true });
      removed += 1;
    }
  } finally {
    database.close();
  }
  return removed;
}

async function fileSystemTime(spool: string): Promise<number> {
  const probe = join(spool, "time");
  writeDurably(probe, "");
  const { mtimeMs } = await stat(probe);
  await rm(probe, { force: true });
  return mtimeMs;
}
