import type Database from "better-sqlite3";
import type { WireSighting } from "../wire/wire.ts";

/** Rows that are kept at most; beyond it those go that would be forgotten first. */
const MOST_ROWS = 1_000_000;
/** Rows that one job removes at most. */
const STEP = 1000;

/** Keeps sightings, and forgets those that are over while it does. */
export class Greylisting {
  readonly #put: Database.Statement<[string, number, number, number]>;
  readonly #forget: Database.Statement<[number, number]>;
  readonly #count: Database.Statement<[], number>;
  /** About; counted when it is needed first. */
  #rows: number | undefined;

  constructor(database: Database.Database) {
    this.#put = database.prepare(
      `INSERT INTO greylist (key, first_at, passed, until) VALUES (?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET first_at = excluded.first_at, passed = excluded.passed, until = excluded.until`,
    );
    this.#forget = database.prepare(
      "DELETE FROM greylist WHERE key IN (SELECT key FROM greylist WHERE until <= ? ORDER BY until LIMIT ?)",
    );
    this.#count = database.prepare<[], number>("SELECT count(*) FROM greylist").pluck();
  }

  note(sightings: readonly WireSighting[], now: number): void {
    for (const { key, firstAt, passed, until } of sightings)
      this.#put.run(key, firstAt, passed ? 1 : 0, until);
    this.#rows = (this.#rows ?? this.#count.get() ?? 0) + sightings.length;
    const crowded = this.#rows > MOST_ROWS;
    this.#rows -= this.#forget.run(crowded ? Number.MAX_SAFE_INTEGER : now, STEP).changes;
    // Sightings that were known already were counted twice.
    if (crowded && this.#rows <= MOST_ROWS) this.#rows = undefined;
  }
}
