import type Database from "better-sqlite3";
import type { Batch } from "../commit/batch.ts";
import type { WireSighting } from "../wire/wire.ts";
import { BoundedTable } from "./bounded-table.ts";

/** Most sightings that are kept. */
const MOST = 1_000_000;

/** Stores sightings, and forgets expired ones at the same time. */
export class Greylisting {
  readonly #put: Database.Statement<[string, number, number, number]>;
  readonly #table: BoundedTable;

  constructor(database: Database.Database) {
    this.#put = database.prepare(
      `INSERT INTO greylist (key, first_at, passed, until) VALUES (?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET first_at = excluded.first_at, passed = excluded.passed, until = excluded.until`,
    );
    this.#table = new BoundedTable(database, { table: "greylist", key: "key", by: "until", most: MOST });
  }

  note(sightings: readonly WireSighting[], now: number, batch: Batch): void {
    for (const { key, firstAt, passed, until } of sightings)
      this.#put.run(key, firstAt, passed ? 1 : 0, until);
    this.#table.tidy(sightings.length, now, batch);
  }
}
