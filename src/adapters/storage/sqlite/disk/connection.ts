import { join } from "node:path";
import type Database from "better-sqlite3";
import { flushFolder, makePrivateFile, realDisk, type Disk } from "./disk.ts";

export const QUEUE_FILE = "queue.sqlite";
export const WAL_FILE = `${QUEUE_FILE}-wal`;
export const WAL_INDEX_FILE = `${QUEUE_FILE}-shm`;
export const TRACE_FILE = "trace.sqlite";

/** How long a statement waits for a lock of another process, in ms; our own threads never block each other. */
const LOCK_WAIT = 2000;

/**
 * Opens the only connection that writes mail. `synchronous` is set on each connection, because better-sqlite3 is built
 * with NORMAL for WAL, and a power cut could then undo a commit.
 */
export function openMailDatabase(folder: string, disk: Disk): Database.Database {
  const file = join(folder, QUEUE_FILE);
  makePrivateFile(file);
  const database = disk.openDatabase(file, { timeout: LOCK_WAIT });
  try {
    // Has an effect only before the first table is created and before the switch to WAL writes the first page.
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

/** Opens a connection that copies the WAL into the mail database and writes nothing else. */
export function openCheckpointConnection(folder: string): Database.Database {
  const database = realDisk.openDatabase(join(folder, QUEUE_FILE), { timeout: 0 });
  database.pragma("synchronous = FULL");
  database.pragma("wal_autocheckpoint = 0");
  database.pragma("cache_size = -64");
  return database;
}

/** Opens a read-only connection to the mail database. */
export function openMailReader(folder: string): Database.Database {
  const database = realDisk.openDatabase(join(folder, QUEUE_FILE), { readonly: true, timeout: LOCK_WAIT });
  database.pragma("synchronous = FULL");
  database.pragma("query_only = ON");
  database.pragma("trusted_schema = OFF");
  database.pragma("cache_size = -512");
  return database;
}
