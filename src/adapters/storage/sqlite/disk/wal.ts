import type Database from "better-sqlite3";
import { codeOf } from "../../../../runtime/system-code.ts";

/** Free pages that stay in the file for the next mails. */
const FREE_PAGES_KEPT = 1024;
/** Pages returned to the file system in one slice: about 1 ms of work; more if no new mail has to wait for it. */
const VACUUM_PAGES = 64;
const VACUUM_PAGES_MOST = 512;

interface CheckpointRow {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

/** Number of pages of the WAL (4 KiB each) that are not in the database yet. */
export function pagesWaiting(database: Database.Database): number {
  const { log, checkpointed } = checkpoint(database, "NOOP");
  return log - checkpointed;
}

/** Copies the WAL into the database; the next commits reuse the blocks of the WAL file. */
export function checkpointInPlace(database: Database.Database): void {
  checkpoint(database, "PASSIVE");
}

/** Copies the whole WAL; waits for readers and other copiers, for at most the connection's lock timeout. */
export function checkpointPatiently(database: Database.Database): void {
  checkpoint(database, "FULL");
}

/** Copies the WAL and truncates its file; does not truncate it while a reader is in the middle of a statement. */
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
 * Writes a page although nothing changes. A commit whose flush failed may be complete in the WAL: the open connections
 * do not see it, but the next start would. The next commit overwrites it, and this makes sure that one comes at once.
 */
export function writeOver(database: Database.Database): void {
  const version = database.pragma("user_version", { simple: true }) as number;
  database.pragma(`user_version = ${version}`);
}

/** Whether a commit that failed with this error and was rolled back cannot reappear at the next start. */
export function isUndone(database: Database.Database, error: unknown): boolean {
  if (!isLate(error)) return true;
  try {
    writeOver(database);
    return true;
  } catch (again) {
    return isLate(again);
  }
}

/** The commit was completely in the WAL, and flushed, when the index of the WAL found no room to grow. */
function isLate(error: unknown): boolean {
  return codeOf(error) === "SQLITE_IOERR_SHMSIZE";
}

/** Returns a few free pages to the file system; the result is true if there are more. */
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
