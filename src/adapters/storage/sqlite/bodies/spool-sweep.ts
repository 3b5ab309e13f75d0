import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { segmentsWithMail } from "./bodies.ts";
import { openMailReader } from "../disk/connection.ts";
import { writeDurably } from "../disk/disk.ts";
import type { Segments } from "./segments.ts";
import { spoolIn } from "./spool-place.ts";

/** Age in ms at which a spool file that no mail names is an orphan; storing a body takes less time. */
const ORPHAN_AGE = 60 * 60 * 1000;

/**
 * Removes spool files that no mail names and to which no client appends; returns their number. Ages are measured
 * against a file written at this moment, so that neither a clock that jumped nor one moved by a test makes a fresh file
 * look old. Segments with mail are marked as thin, so that those of an earlier process are compacted, too.
 */
export async function sweepSpool(folder: string, segments: Segments): Promise<number> {
  const spool = spoolIn(folder);
  const now = await fileSystemTime(spool);
  const names = await readdir(spool);
  const database = openMailReader(folder);
  const own = database.prepare<[string], number>("SELECT 1 FROM message WHERE spool = ?").pluck();
  const holdsMail = segmentsWithMail(database);
  let removed = 0;
  try {
    for (const name of names) {
      const file = join(spool, name);
      const info = await stat(file).catch(() => undefined);
      if (info === undefined || now - info.mtimeMs < ORPHAN_AGE) continue;
      if (segments.isOpen(name) || own.get(name) !== undefined) continue;
      if (holdsMail(name)) segments.thin(name);
      else {
        await rm(file, { force: true });
        removed += 1;
      }
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
