import { existsSync } from "node:fs";
import { join } from "node:path";
import type Database from "better-sqlite3";
import { NO_MAIL, type TraceLine, type TraceRequest } from "../../../../ports/journal.ts";
import { TRACE_FILE } from "../disk/connection.ts";
import { realDisk } from "../disk/disk.ts";
import { BLOCK_LINES, blockOf, keysText } from "./trace-schema.ts";

/** Lines of one answer. */
const MAX_LINES = 1000;

interface LineRow {
  readonly seq: number;
  readonly at: number;
  readonly id: string;
  readonly kind: string;
  readonly text: string;
  readonly checks: string | null;
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
    const direct = linesAbout(database, about, most);
    const lines = new Map(direct.map((line) => [line.seq, line]));
    for (const id of new Set(direct.map((line) => line.id)))
      if (id !== NO_MAIL && id !== about)
        for (const line of linesOfMail(database, id, most)) lines.set(line.seq, line);
    return [...lines.values()]
      .sort((a, b) => a.seq - b.seq)
      .slice(-most)
      .map(lineOf);
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

function lineOf({ at, id, kind, text, checks }: LineRow): TraceLine {
  return checks === null ? { at, id, kind, text } : { at, id, kind, text, checks };
}

const COLUMNS = "SELECT seq, at, id, kind, text, checks FROM line";

/** The newest lines of a mail, or under a key; ids and keys are in lower case. */
function linesAbout(database: Database.Database, about: string, limit: number): readonly LineRow[] {
  const name = about.toLowerCase();
  const lines = linesOfMail(database, name, limit);
  return lines.length > 0 ? lines : linesUnder(database, name, limit);
}

function linesOfMail(database: Database.Database, id: string, limit: number): readonly LineRow[] {
  return database
    .prepare<unknown[], LineRow>(`${COLUMNS} WHERE id = ? ORDER BY seq DESC LIMIT ?`)
    .all(id, limit);
}

/** Looks through the blocks that have the key, from the newest on. */
function linesUnder(database: Database.Database, key: string, limit: number): readonly LineRow[] {
  const { first, last } = database
    .prepare<[], { first: number | null; last: number | null }>(
      "SELECT (SELECT min(seq) FROM line) AS first, (SELECT max(seq) FROM line) AS last",
    )
    .get() ?? { first: null, last: null };
  if (first === null || last === null) return [];
  const marked = database.prepare("SELECT 1 FROM mark WHERE block = ? AND key = ?").pluck();
  const among = database.prepare<unknown[], LineRow>(
    `${COLUMNS} WHERE seq BETWEEN ? AND ? AND instr(keys, ?) > 0 ORDER BY seq DESC`,
  );
  const found: LineRow[] = [];
  for (let block = blockOf(last); block >= blockOf(first) && found.length < limit; block -= 1)
    if (marked.get(block, key) !== undefined)
      found.push(...among.all(block * BLOCK_LINES, (block + 1) * BLOCK_LINES - 1, keysText([key])));
  return found.slice(0, limit);
}
