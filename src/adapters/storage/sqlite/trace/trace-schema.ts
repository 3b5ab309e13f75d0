/**
 * The tables of the trace. Events lie in blocks, as JSON, in the order in which they came. Ids, addresses and Message-IDs
 * come in any order: an index of them would cost more than the events themselves. So each block has a Bloom filter of
 * its keys, apart from the events, so that all filters are read in a moment; only the blocks that a filter lets pass are
 * looked through.
 */
import type Database from "better-sqlite3";

const SCHEMA = `
  DROP TABLE IF EXISTS line;
  DROP TABLE IF EXISTS mark;
  DROP TABLE IF EXISTS key;
  CREATE TABLE IF NOT EXISTS block (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, events INTEGER NOT NULL, text TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS filter (block INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;`;

/** Makes the tables. What an older version wrote, a row for each event, is given up. */
export function prepareTables(database: Database.Database): void {
  database.transaction(() => database.exec(SCHEMA))();
}
