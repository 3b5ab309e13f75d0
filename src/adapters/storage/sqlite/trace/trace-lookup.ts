import { existsSync } from "node:fs";
import { join } from "node:path";
import type Database from "better-sqlite3";
import type { Traced, TraceRequest } from "../../../../ports/trace.ts";
import { TRACE_FILE } from "../disk/connection.ts";
import { realDisk } from "../disk/disk.ts";
import { Wanted } from "./trace-block.ts";

/** Events of one answer. */
const MOST_EVENTS = 1000;

/** Reads the trace on its own connection, which is opened once the file exists. */
export class TraceLookup {
  readonly #file: string;
  #database: Database.Database | undefined;

  constructor(folder: string) {
    this.#file = join(folder, TRACE_FILE);
  }

  /** Returns the newest events about the keys, oldest first. */
  trace({ about, limit }: TraceRequest): readonly Traced[] {
    const database = this.#open();
    if (database === undefined) return [];
    const most = Math.max(1, Math.min(limit, MOST_EVENTS));
    return newest(database, new Wanted(about), most);
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

/** Searches the blocks, newest first, until `most` events are found. */
function newest(database: Database.Database, wanted: Wanted, most: number): readonly Traced[] {
  const filters = database.prepare<[], { block: number; keys: Uint8Array }>(
    "SELECT block, keys FROM filter ORDER BY block DESC",
  );
  const textOf = database.prepare<[number], string>("SELECT text FROM block WHERE seq = ?").pluck();
  const found: (readonly Traced[])[] = [];
  let count = 0;
  for (const { block, keys } of filters.iterate()) {
    if (!wanted.mayBeIn(keys)) continue;
    const events = wanted.eventsOf(textOf.get(block) ?? "");
    found.push(events);
    count += events.length;
    if (count >= most) break;
  }
  return found.reverse().flat().slice(-most);
}
