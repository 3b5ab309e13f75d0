import { existsSync } from "node:fs";
import { join } from "node:path";
import type Database from "better-sqlite3";
import type { TraceLine, TraceRequest, TraceWriter } from "../../../ports/journal.ts";
import { TRACE_FILE } from "./connection.ts";
import { makePrivateFile, realDisk } from "./disk.ts";

/** Lines that one `trim` removes at most. */
const TRIM_STEP = 1000;
/** Pages given back after each trim. */
const VACUUM_PAGES = 64;
/** Lines of one answer. */
const MAX_LINES = 1000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS line (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS key (
    key TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (key, seq)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS key_line ON key (seq);`;

interface LineRow {
  readonly seq: number;
  readonly at: number;
  readonly id: string;
  readonly kind: string;
  readonly text: string;
}

/**
 * The trace lives in a database of its own: it may lose its last lines with the power, it is the first to give way
 * when the disk is short, and a fault in it never touches mail. So nothing here throws.
 */
export function openTraceWriter(folder: string): TraceWriter {
  const file = join(folder, TRACE_FILE);
  makePrivateFile(file);
  const database = realDisk.openDatabase(file, { timeout: 0 });
  database.pragma("auto_vacuum = INCREMENTAL");
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = NORMAL");
  database.exec(SCHEMA);
  const appendAll = prepareAppend(database);
  const trimOnce = prepareTrim(database);
  return {
    append: (lines) => void attempt(() => appendAll(lines)),
    trim: (before, maxBytes) => attempt(() => trimOnce(before, maxBytes)) ?? 0,
    close: () => void attempt(() => database.close()),
  };
}

function prepareAppend(database: Database.Database): (lines: readonly TraceLine[]) => void {
  const line = database.prepare("INSERT INTO line (at, id, kind, text) VALUES (?, ?, ?, ?)");
  const key = database.prepare("INSERT INTO key (key, seq) VALUES (?, ?) ON CONFLICT DO NOTHING");
  return database.transaction((lines: readonly TraceLine[]) => {
    for (const { at, id, kind, text, keys } of lines) {
      const { lastInsertRowid } = line.run(at, id, kind, text);
      if (id !== "") key.run(id, lastInsertRowid);
      for (const name of keys ?? []) key.run(name, lastInsertRowid);
    }
  });
}

function prepareTrim(database: Database.Database): (before: number, maxBytes: number) => number {
  const oldest = database.prepare<[number], LineRow>(
    `SELECT seq, at, id, kind, text FROM line ORDER BY seq LIMIT ?`,
  );
  const removeKeys = database.prepare("DELETE FROM key WHERE seq <= ?");
  const removeLines = database.prepare("DELETE FROM line WHERE seq <= ?");
  const remove = database.transaction((last: number) => {
    removeKeys.run(last);
    return removeLines.run(last).changes;
  });
  return (before, maxBytes) => {
    const tooLarge = usedBytes(database) > maxBytes;
    const rows = oldest.all(TRIM_STEP);
    const last = (
      tooLarge ? rows : rows.filter((_, i) => rows.slice(0, i + 1).every((row) => row.at < before))
    ).at(-1);
    const removed = last === undefined ? 0 : remove(last.seq);
    database.pragma(`incremental_vacuum(${VACUUM_PAGES})`);
    return removed;
  };
}

function usedBytes(database: Database.Database): number {
  const read = (name: string): number => database.pragma(name, { simple: true }) as number;
  return (read("page_count") - read("freelist_count")) * read("page_size");
}

/** Reads the trace on a connection of its own, once there is a file. */
export class TraceLookup {
  readonly #file: string;
  #database: Database.Database | undefined;

  constructor(folder: string) {
    this.#file = join(folder, TRACE_FILE);
  }

  /** Lines about a mail, or about all mails that an address or a Message-ID leads to; oldest first. */
  trace({ about, limit }: TraceRequest): readonly TraceLine[] {
    const database = this.#open();
    if (database === undefined) return [];
    const most = Math.max(1, Math.min(limit, MAX_LINES));
    const direct = linesOf(database, about, most);
    const lines = new Map(direct.map((line) => [line.seq, line]));
    for (const id of new Set(direct.map((line) => line.id)))
      if (id !== "" && id !== about)
        for (const line of linesOf(database, id, most)) lines.set(line.seq, line);
    return [...lines.values()]
      .sort((a, b) => a.seq - b.seq)
      .slice(-most)
      .map(({ at, id, kind, text }) => ({ at, id, kind, text }));
  }

  close(): void {
    this.#database?.close();
  }

  #open(): Database.Database | undefined {
    if (this.#database === undefined && existsSync(this.#file))
      this.#database = realDisk.openDatabase(this.#file, { readonly: true });
    return this.#database;
  }
}

/** The newest lines under a key; ids are kept as they are, other keys in lower case. */
function linesOf(database: Database.Database, key: string, limit: number): readonly LineRow[] {
  return database
    .prepare<unknown[], LineRow>(
      `SELECT l.seq, l.at, l.id, l.kind, l.text FROM key k CROSS JOIN line l ON l.seq = k.seq
       WHERE k.key = ? ORDER BY k.seq DESC LIMIT ?`,
    )
    .all(key.toLowerCase(), limit);
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    // Lost trace lines are lost; the log has them too.
    return undefined;
  }
}
