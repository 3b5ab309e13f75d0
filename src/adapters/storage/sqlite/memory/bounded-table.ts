import type Database from "better-sqlite3";
import type { Batch } from "../commit/batch.ts";

/** Rows that one job removes at most, beside as many as it put. */
const STEP = 1000;

interface Bounds {
  readonly table: string;
  readonly key: string;
  /** The column by which rows are forgotten, the lowest first. Has an index. */
  readonly by: string;
  /** Rows that are kept at most; beyond it those go that would be forgotten first. */
  readonly most: number;
}

/** With each job that puts rows, forgets those that are out of date, and keeps the others within a bound. */
export class BoundedTable {
  readonly #most: number;
  readonly #forget: Database.Statement<[number, number]>;
  readonly #count: Database.Statement<[], number>;
  /** Not fewer than there are; counted when it is needed first. */
  #rows = Infinity;

  constructor(database: Database.Database, { table, key, by, most }: Bounds) {
    this.#most = most;
    this.#forget = database.prepare(
      `DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${table} WHERE ${by} <= ? ORDER BY ${by} LIMIT ?)`,
    );
    this.#count = database.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck();
  }

  /** So many rows were put, new ones or in place of others. Those at `over` or below are out of date. */
  tidy(put: number, over: number, batch: Batch): void {
    const before = this.#rows;
    batch.onRollback(() => (this.#rows = before));
    this.#rows += put;
    // Rows that were there already were counted twice.
    if (this.#rows > this.#most) this.#rows = this.#count.get() ?? 0;
    const last = this.#rows > this.#most ? Number.MAX_SAFE_INTEGER : over;
    this.#rows -= this.#forget.run(last, STEP + put).changes;
  }
}
