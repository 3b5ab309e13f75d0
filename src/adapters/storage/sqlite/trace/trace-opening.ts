import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { TraceWriter } from "../../../../ports/trace.ts";
import { withBallast } from "../disk/ballast.ts";
import { TRACE_FILE } from "../disk/connection.ts";
import { makePrivateFile, realDisk } from "../disk/disk.ts";
import { StoreUnusable, usable } from "../disk/opening.ts";
import { BlockWriter } from "./trace-writer.ts";

/**
 * Events are stored as JSON in blocks, in the order of their arrival. Ids, addresses and Message-IDs come in no order,
 * so an index of them would cost more than the events themselves. Instead each block has a Bloom filter of its keys.
 * The filters are in a table of their own, so that all of them are read quickly; only blocks whose filter matches are
 * searched. The tables of an older version, with a row for each event, are dropped.
 */
const SCHEMA = `
  DROP TABLE IF EXISTS line;
  DROP TABLE IF EXISTS mark;
  DROP TABLE IF EXISTS key;
  CREATE TABLE IF NOT EXISTS block (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, events INTEGER NOT NULL, text TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS filter (block INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;`;

/**
 * Opens the trace for writing. A damaged trace is renamed to `trace.sqlite.damaged`, `setAside` is called, and a new
 * one is begun: the trace contains no mail, and no mail may wait for it. Throws StoreUnusable.
 */
export function openTraceWriter(folder: string, setAside: (file: string) => void = () => {}): TraceWriter {
  const file = join(folder, TRACE_FILE);
  try {
    return usable(file, () => withBallast(folder, () => open(file)));
  } catch (error) {
    if (!(error instanceof StoreUnusable) || !/^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) throw error;
  }
  renameSync(file, `${file}.damaged`);
  // They belong to the damaged trace; a new database would use them as its own.
  for (const side of ["-wal", "-shm"]) rmSync(`${file}${side}`, { force: true });
  setAside(`${file}.damaged`);
  return usable(file, () => open(file));
}

/** A separate database; a power cut may cost its last events. */
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
