import type Database from "better-sqlite3";
import { codeOf } from "../../../../runtime/system-code.ts";

/** Free pages that stay in the file for the next mails. */
const FREE_PAGES_KEPT = 1024;
/** Pages given back to the file system in one slice: about a millisecond, and where no new mail waits for that, more. */
const VACUUM_PAGES = 64;
const VACUUM_PAGES_MOST = 512;

interface CheckpointRow {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

/** Pages of the WAL (4 KiB each) that are not in the database yet. */
export function pagesWaiting(database: Database.Database): number {
  const { log, checkpointed } = checkpoint(database, "NOOP");
  return log - checkpointed;
}

/** Moves the WAL into the database; what is written next takes the blocks that the WAL has. */
export function checkpointInPlace(database: Database.Database): void {
  checkpoint(database, "PASSIVE");
}

/** Moves the whole WAL, waiting as long for who reads or copies as the connection waits for a lock. */
export function checkpointPatiently(database: Database.Database): void {
  checkpoint(database, "FULL");
}

/** Empties the WAL file; a reader in the middle of a statement leaves it for the next time. */
export function checkpointFully(database: Database.Database): void {
  const timeout = database.pragma("busy_timeout", { simple: true }) as number;
  database.pragma("busy_timeout = 0");
  try {
    checkpoint(database, "TRUNCATE");
  } finally {
    database.pragma(`busy_timeout = ${timeout}`);
  }
}

/**
 * Writes a page although nothing changes. A commit whose flush failed may stand in the WAL as a whole one does, of which
 * the connections know nothing while the next start would; the next commit takes its place, and this one comes at once.
 */
export function writeOver(database: Database.Database): void {
  const version = database.pragma("user_version", { simple: true }) as number;
  database.pragma(`user_version = ${version}`);
}

/** Whether nothing of a commit that failed with this error, and was rolled back, can come back with the next start. */
export function isUndone(database: Database.Database, error: unknown): boolean {
  if (!isLate(error)) return true;
  try {
    writeOver(database);
    return true;
  } catch (again) {
    return isLate(again);
  }
}

/** The WAL had all of the commit and was flushed, but its index found no room for more pages. */
function isLate(error: unknown): boolean {
  return codeOf(error) === "SQLITE_IOERR_SHMSIZE";
}

/** Gives a few free pages back to the file system; true while there are more. */
export function vacuumSlice(database: Database.Database, hasTime: boolean): boolean {
  const free = database.pragma("freelist_count", { simple: true }) as number;
  if (free <= FREE_PAGES_KEPT) return false;
  database.pragma(`incremental_vacuum(${hasTime ? VACUUM_PAGES_MOST : VACUUM_PAGES})`);
  return true;
}

function checkpoint(
  database: Database.Database,
  mode: "NOOP" | "PASSIVE" | "FULL" | "TRUNCATE",
): CheckpointRow {
  const [row] = database.pragma(`wal_checkpoint(${mode})`) as [CheckpointRow];
  return row;
}
