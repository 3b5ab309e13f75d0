import { utimes } from "node:fs/promises";
import type Database from "better-sqlite3";
import type { Traced, TraceWriter } from "../../../../ports/trace.ts";
import { TraceBlock } from "./trace-block.ts";

/** Blocks that one `trim` removes at most. */
const TRIM_STEP = 25;
/** Blocks that are kept to be filled again. */
const MOST_SPARE = 32;
/** Pages given back after each trim. */
const VACUUM_PAGES = 64;

interface BlockAge {
  readonly seq: number;
  readonly at: number;
  readonly events: number;
}

/**
 * Fills one block after the other; each write stores the last block again until it is full. A fault of the trace never
 * affects mail: no method throws.
 */
export class BlockWriter implements TraceWriter {
  readonly #database: Database.Database;
  readonly #put: Database.Statement;
  readonly #putFilter: Database.Statement;
  readonly #oldest: Database.Statement<[number], BlockAge>;
  readonly #dropFilters: Database.Statement<[number]>;
  readonly #drop: Database.Statement<[number]>;
  /** Blocks that are full and not yet stored. */
  #full: TraceBlock[] = [];
  readonly #spare: TraceBlock[] = [];
  #filling: TraceBlock;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#put = database.prepare(
      "INSERT OR REPLACE INTO block (seq, at, events, text) VALUES (?, ?, ?, CAST(? AS TEXT))",
    );
    this.#putFilter = database.prepare("INSERT OR REPLACE INTO filter (block, keys) VALUES (?, ?)");
    this.#oldest = database.prepare("SELECT seq, at, events FROM block ORDER BY seq LIMIT ?");
    this.#dropFilters = database.prepare("DELETE FROM filter WHERE block <= ?");
    this.#drop = database.prepare("DELETE FROM block WHERE seq <= ?");
    const last = database.prepare<[], number>("SELECT coalesce(max(seq), 0) FROM block").pluck();
    this.#filling = this.#begin((last.get() ?? 0) + 1);
  }

  add(traced: Traced, keys: readonly string[]): void {
    this.#filling.add(traced, keys);
    if (!this.#filling.full) return;
    this.#full.push(this.#filling);
    this.#filling = this.#begin(this.#filling.seq + 1);
  }

  /** Changes the file's times in the background; that works only while the file system can be written. */
  async diskAnswers(): Promise<void> {
    const now = new Date();
    await utimes(this.#database.name, now, now).catch(() => undefined);
  }

  /** Returns the number of lost events: full blocks that cannot be stored are dropped. The log has them, too. */
  write(): number {
    const full = this.#full;
    this.#full = [];
    try {
      this.#store([...full, this.#filling]);
      return 0;
    } catch {
      return eventsIn(full);
    } finally {
      this.#spare.push(...full.slice(0, MOST_SPARE - this.#spare.length));
    }
  }

  trim(before: number, maxBytes: number): number {
    return attempt(() => this.#trim(before, maxBytes)) ?? 0;
  }

  close(): void {
    attempt(() => this.#database.close());
  }

  #trim(before: number, maxBytes: number): number {
    const blocks = this.#oldest.all(TRIM_STEP);
    const fresh = blocks.findIndex(({ at }) => at >= before);
    const doomed = this.#usedBytes() > maxBytes || fresh === -1 ? blocks : blocks.slice(0, fresh);
    const last = doomed.at(-1)?.seq;
    if (last !== undefined) this.#remove(last);
    this.#database.pragma(`incremental_vacuum(${VACUUM_PAGES})`);
    return eventsIn(doomed);
  }

  #begin(seq: number): TraceBlock {
    return (this.#spare.pop() ?? new TraceBlock()).begin(seq);
  }

  #store(blocks: readonly TraceBlock[]): void {
    this.#database.transaction(() => {
      for (const { seq, at, events, text, filter } of blocks) {
        if (events === 0) continue;
        this.#put.run(seq, at, events, text);
        this.#putFilter.run(seq, filter);
      }
    })();
  }

  /** Removes the blocks up to this one. */
  #remove(last: number): void {
    this.#database.transaction(() => {
      this.#dropFilters.run(last);
      this.#drop.run(last);
    })();
    if (last === this.#filling.seq) this.#filling.begin(last + 1);
  }

  #usedBytes(): number {
    const read = (name: string): number => this.#database.pragma(name, { simple: true }) as number;
    return (read("page_count") - read("freelist_count")) * read("page_size");
  }
}

function eventsIn(blocks: readonly Pick<TraceBlock, "events">[]): number {
  return blocks.reduce((sum, { events }) => sum + events, 0);
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
