import type Database from "better-sqlite3";

/**
 * WAL pages (4 KiB each) beyond which a pause between batches is used for a checkpoint: 4 MB. A larger WAL makes
 * fewer and longer pauses: at 16 MB the slowest hundredth of accepts took twice as long.
 */
const WAL_PAGES = 1024;
/** Beyond this many it happens even when jobs wait: 16 MB. */
const WAL_PAGES_MOST = 4096;
/** Free pages that stay in the file for the next mails. */
const FREE_PAGES_KEPT = 1024;
/** Pages given back to the file system in one slice; about a millisecond. */
const VACUUM_PAGES = 64;

interface CheckpointRow {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

/** Moves the WAL into the database when that is in nobody's way. */
export function checkpointIfLarge(database: Database.Database, idle: boolean): void {
  const { log, checkpointed } = checkpoint(database, "NOOP");
  const waiting = log - checkpointed;
  if (waiting > (idle ? WAL_PAGES : WAL_PAGES_MOST)) checkpointInPlace(database);
}

/** Moves the WAL into the database; what is written next takes the blocks that the WAL has. */
export function checkpointInPlace(database: Database.Database): void {
  checkpoint(database, "PASSIVE");
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

/** Gives a few free pages back to the file system; true while there are more. */
export function vacuumSlice(database: Database.Database): boolean {
  const free = database.pragma("freelist_count", { simple: true }) as number;
  if (free <= FREE_PAGES_KEPT) return false;
  database.pragma(`incremental_vacuum(${VACUUM_PAGES})`);
  return true;
}

function checkpoint(database: Database.Database, mode: "NOOP" | "PASSIVE" | "TRUNCATE"): CheckpointRow {
  const [row] = database.pragma(`wal_checkpoint(${mode})`) as [CheckpointRow];
  return row;
}
