import type Database from "better-sqlite3";
import type { Batch } from "../commit/batch.ts";

/** Most rows that one job removes in addition to as many as it put. */
const STEP = 1000;

interface Bounds {
  readonly table: string;
  readonly key: string;
  /** The column by which rows are forgotten, the lowest first. Has an index. */
  readonly by: string;
  /** Most rows that are kept; the rows with the lowest `by` are removed first. */
  readonly most: number;
}

/** Removes outdated rows whenever a job puts rows, and keeps the number of rows within a bound. */
export class BoundedTable {
  readonly #most: number;
  readonly #forget: Database.Statement<[number, number]>;
  readonly #count: Database.Statement<[], number>;
  /** An upper bound of the number of rows; counted when it is first needed. */
  #rows = Infinity;

  constructor(database: Database.Database, { table, key, by, most }: Bounds) {
    this.#most = most;
    this.#forget = database.prepare(
      `DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${table} WHERE ${by} <= ? ORDER BY ${by} LIMIT ?)`,
    );
    this.#count = database.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck();
  }

  /** To be called after `put` rows were inserted or updated. Rows whose `by` is `over` or less are outdated. */
  tidy(put: number, over: number, batch: Batch): void {
    const before = this.#rows;
    batch.onRollback(() => (this.#rows = before));
    this.#rows += put;
    // Updated rows were counted twice, so the rows are counted anew.
    if (this.#rows > this.#most) this.#rows = this.#count.get() ?? 0;
    const last = this.#rows > this.#most ? Number.MAX_SAFE_INTEGER : over;
    this.#rows -= this.#forget.run(last, STEP + put).changes;
  }
}
