import { join } from "node:path";
import type Database from "better-sqlite3";
import type { TraceLine, TraceWriter } from "../../../../ports/journal.ts";
import { TRACE_FILE } from "../disk/connection.ts";
import { makePrivateFile, realDisk } from "../disk/disk.ts";
import { blockOf, keysText, prepareTables } from "./trace-schema.ts";

/** Lines that one `trim` removes at most. */
const TRIM_STEP = 1000;
/** Pages given back after each trim. */
const VACUUM_PAGES = 64;

interface LineAge {
  readonly seq: number;
  readonly at: number;
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
  database.pragma("cache_size = -512");
  prepareTables(database);
  const appendAll = prepareAppend(database);
  const trimOnce = prepareTrim(database);
  return {
    append: (lines) => void attempt(() => appendAll(lines)),
    trim: (before, maxBytes) => attempt(() => trimOnce(before, maxBytes)) ?? 0,
    close: () => void attempt(() => database.close()),
  };
}

type Append = (lines: readonly TraceLine[]) => void;

function prepareAppend(database: Database.Database): Append {
  const line = database.prepare(
    "INSERT INTO line (at, id, kind, text, checks, keys) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const mark = database.prepare("INSERT INTO mark (block, key) VALUES (?, ?) ON CONFLICT DO NOTHING");
  const append: Append = (lines) => {
    // Lines of one moment have many keys in common.
    const marked = new Map<string, number>();
    for (const { at, id, kind, text, keys = [], checks = null } of lines) {
      const { lastInsertRowid } = line.run(at, id, kind, text, checks, keysText(keys));
      const block = blockOf(Number(lastInsertRowid));
      for (const key of keys)
        if (marked.get(key) !== block) {
          mark.run(block, key);
          marked.set(key, block);
        }
    }
  };
  return database.transaction(append);
}

function prepareTrim(database: Database.Database): (before: number, maxBytes: number) => number {
  const oldest = database.prepare<[number], LineAge>("SELECT seq, at FROM line ORDER BY seq LIMIT ?");
  const removeMarks = database.prepare("DELETE FROM mark WHERE block < ?");
  const removeLines = database.prepare("DELETE FROM line WHERE seq <= ?");
  const remove = database.transaction((last: number) => {
    removeMarks.run(blockOf(last));
    return removeLines.run(last).changes;
  });
  return (before, maxBytes) => {
    const rows = oldest.all(TRIM_STEP);
    const fresh = rows.findIndex(({ at }) => at >= before);
    const doomed = usedBytes(database) > maxBytes || fresh === -1 ? rows : rows.slice(0, fresh);
    const last = doomed.at(-1);
    const removed = last === undefined ? 0 : remove(last.seq);
    database.pragma(`incremental_vacuum(${VACUUM_PAGES})`);
    return removed;
  };
}

function usedBytes(database: Database.Database): number {
  const read = (name: string): number => database.pragma(name, { simple: true }) as number;
  return (read("page_count") - read("freelist_count")) * read("page_size");
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    // Lost trace lines are lost; the log has them too.
    return undefined;
  }
}
