/**
 * The tables of the trace. A line lies where it was appended, and the index by id grows at its end, because ids sort
 * by time. Senders, recipients and Message-IDs come in any order: an index of them would rewrite a page for each.
 * So lines are counted in blocks, and `mark` only says which blocks have a key, again at the end of the table;
 * within a block the lines are looked through.
 */
import type Database from "better-sqlite3";

/** Lines of a block. */
export const BLOCK_LINES = 512;
/** Stands between the keys of a line, before the first and behind the last. */
const KEY_END = "\n";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS line (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL,
    checks TEXT, keys TEXT) STRICT;
  CREATE TABLE IF NOT EXISTS mark (
    block INTEGER NOT NULL, key TEXT NOT NULL, PRIMARY KEY (block, key)) STRICT, WITHOUT ROWID;`;

/** A file of an older version had a row in `key` for each key of each line, ids among them. */
const FROM_KEYS = `
  UPDATE line SET keys = (SELECT '${KEY_END}' || group_concat(key, '${KEY_END}') || '${KEY_END}' FROM key
    WHERE key.seq = line.seq AND key.key <> line.id);
  INSERT INTO mark SELECT DISTINCT key.seq / ${BLOCK_LINES}, key.key FROM key JOIN line ON line.seq = key.seq
    WHERE key.key <> line.id;
  DROP TABLE key;`;

/** Makes the tables, or brings those of an older version up to date. */
export const prepareTables = (database: Database.Database): void => database.transaction(build)(database);

function build(database: Database.Database): void {
  database.exec(SCHEMA);
  const columns = columnsOf(database, "line");
  for (const added of ["checks", "keys"])
    if (!columns.includes(added)) database.exec(`ALTER TABLE line ADD COLUMN ${added} TEXT`);
  if (columnsOf(database, "key").length > 0) database.exec(FROM_KEYS);
  database.exec("CREATE INDEX IF NOT EXISTS line_id ON line (id)");
}

function columnsOf(database: Database.Database, table: string): string[] {
  return (database.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);
}

export function blockOf(seq: number): number {
  return Math.floor(seq / BLOCK_LINES);
}

/** The keys of a line as they are stored; one of them, in this form, is found in it. */
export function keysText(keys: readonly string[]): string {
  return `${KEY_END}${keys.join(KEY_END)}${KEY_END}`;
}
