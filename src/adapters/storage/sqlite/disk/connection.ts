import { join } from "node:path";
import type Database from "better-sqlite3";
import { flushFolder, makePrivateFile, realDisk, type Disk } from "./disk.ts";

export const QUEUE_FILE = "queue.sqlite";
export const WAL_FILE = `${QUEUE_FILE}-wal`;
export const WAL_INDEX_FILE = `${QUEUE_FILE}-shm`;
export const TRACE_FILE = "trace.sqlite";

/** How long a statement waits for a lock that another process holds, in ms; our own threads never hold one. */
const LOCK_WAIT = 2000;

/**
 * The one connection that writes mail. `synchronous` is said on each connection, because better-sqlite3 is built
 * with NORMAL for WAL, and a commit could then vanish with the power.
 */
export function openMailDatabase(folder: string, disk: Disk): Database.Database {
  const file = join(folder, QUEUE_FILE);
  makePrivateFile(file);
  const database = disk.openDatabase(file, { timeout: LOCK_WAIT });
  try {
    // Takes effect only before the first table, and before the switch to WAL writes the first page.
    database.pragma("auto_vacuum = INCREMENTAL");
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    database.pragma("wal_autocheckpoint = 0");
    database.pragma("trusted_schema = OFF");
    database.pragma("cache_size = -4096");
    flushFolder(folder);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** A connection that moves the WAL into the mail database, and writes nothing of its own. */
export function openCheckpointConnection(folder: string): Database.Database {
  const database = realDisk.openDatabase(join(folder, QUEUE_FILE), { timeout: 0 });
  database.pragma("synchronous = FULL");
  database.pragma("wal_autocheckpoint = 0");
  database.pragma("cache_size = -64");
  return database;
}

/** A connection that only reads the mail database. */
export function openMailReader(folder: string): Database.Database {
  const database = realDisk.openDatabase(join(folder, QUEUE_FILE), { readonly: true, timeout: LOCK_WAIT });
  database.pragma("synchronous = FULL");
  database.pragma("query_only = ON");
  database.pragma("trusted_schema = OFF");
  database.pragma("cache_size = -512");
  return database;
}
