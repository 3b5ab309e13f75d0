import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { TraceWriter } from "../../../../ports/trace.ts";
import { withBallast } from "../disk/ballast.ts";
import { TRACE_FILE } from "../disk/connection.ts";
import { makePrivateFile, realDisk } from "../disk/disk.ts";
import { StoreUnusable, usable } from "../disk/opening.ts";
import { BlockWriter } from "./trace-writer.ts";

/**
 * Events lie in blocks, as JSON, in the order in which they came. Ids, addresses and Message-IDs come in any order: an
 * index of them would cost more than the events themselves. So each block has a Bloom filter of its keys, apart from
 * the events, so that all filters are read in a moment; only the blocks that a filter lets pass are looked through.
 * What an older version wrote, a row for each event, is given up.
 */
const SCHEMA = `
  DROP TABLE IF EXISTS line;
  DROP TABLE IF EXISTS mark;
  DROP TABLE IF EXISTS key;
  CREATE TABLE IF NOT EXISTS block (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, events INTEGER NOT NULL, text TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS filter (block INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;`;

/**
 * Opens the trace for writing. A damaged one is set aside as `trace.sqlite.damaged`, told to `setAside`, and a new
 * one begins: no mail is in it, and none may wait for it. Throws StoreUnusable.
 */
export function openTraceWriter(folder: string, setAside: (file: string) => void = () => {}): TraceWriter {
  const file = join(folder, TRACE_FILE);
  try {
    return usable(file, () => withBallast(folder, () => open(file)));
  } catch (error) {
    if (!(error instanceof StoreUnusable) || !/^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) throw error;
  }
  renameSync(file, `${file}.damaged`);
  // They belong to the damaged one; a new database would take them for its own.
  for (const side of ["-wal", "-shm"]) rmSync(`${file}${side}`, { force: true });
  setAside(`${file}.damaged`);
  return usable(file, () => open(file));
}

/** A database of its own, which may lose its last events with the power. */
function open(file: string): TraceWriter {
  makePrivateFile(file);
  const database = realDisk.openDatabase(file, { timeout: 0 });
  try {
    database.pragma("auto_vacuum = INCREMENTAL");
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = NORMAL");
    database.pragma("cache_size = -512");
    database.transaction(() => database.exec(SCHEMA))();
    return new BlockWriter(database);
  } catch (error) {
    database.close();
    throw error;
  }
}
