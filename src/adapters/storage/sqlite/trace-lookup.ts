import { existsSync } from "node:fs";
import { join } from "node:path";
import type Database from "better-sqlite3";
import type { TraceLine, TraceRequest } from "../../../ports/journal.ts";
import { TRACE_FILE } from "./connection.ts";
import { realDisk } from "./disk.ts";

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
    const direct = linesOf(database, about, most);
    const lines = new Map(direct.map((line) => [line.seq, line]));
    for (const id of new Set(direct.map((line) => line.id)))
      if (id !== "" && id !== about)
        for (const line of linesOf(database, id, most)) lines.set(line.seq, line);
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

/** The newest lines under a key; ids are kept as they are, other keys in lower case. */
function linesOf(database: Database.Database, key: string, limit: number): readonly LineRow[] {
  return database
    .prepare<unknown[], LineRow>(
      `SELECT l.seq, l.at, l.id, l.kind, l.text, l.checks FROM key k CROSS JOIN line l ON l.seq = k.seq
       WHERE k.key = ? ORDER BY k.seq DESC LIMIT ?`,
    )
    .all(key.toLowerCase(), limit);
}
