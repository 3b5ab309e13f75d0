import type Database from "better-sqlite3";
import { mailboxKeyOf } from "../../../../mail/address.ts";
import type { Batch } from "../commit/batch.ts";
import type { RefusedFilter } from "../wire/refused-filter.ts";
import type { WireNote } from "../wire/wire.ts";
import { BoundedTable } from "./bounded-table.ts";

/** Refusals that are kept at most. */
const MOST_REFUSED = 200_000;
/** How long a refusal is kept, in ms, so that the next refusal of the same address knows when they began. */
export const REFUSED_FOR = 26 * 3_600_000;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Addresses that are remembered as delivered to within the hour, at most. */
const MOST_DELIVERED = 10_000;

/** Stores what primaries replied about single addresses, and forgets old replies at the same time. */
export class Learning {
  readonly #refuse: Database.Statement<[string, number, number, string, string]>;
  readonly #accept: Database.Statement<[string, number, string]>;
  readonly #took: Database.Statement<[string, number]>;
  readonly #clear: Database.Statement<[string]>;
  readonly #refused: BoundedTable;
  readonly #filter: RefusedFilter;
  /** When the filter was last turned, ms since 1970; undefined before the first note. */
  #turnedAt: number | undefined;
  /** When the last delivery to an address was stored; the key is the address as written. */
  readonly #delivered = new Map<string, number>();

  /** Adds all stored refusals to the filter. */
  constructor(database: Database.Database, filter: RefusedFilter) {
    this.#filter = filter;
    for (const address of database.prepare<[], string>("SELECT address FROM refused").pluck().iterate())
      filter.add(address);
    this.#refuse = database.prepare(
      `INSERT INTO refused (address, since, at, origin, reply) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (address) DO UPDATE SET at = excluded.at, origin = excluded.origin, reply = excluded.reply,
         since = CASE WHEN refused.at < excluded.at - ${REFUSED_FOR} THEN excluded.since ELSE refused.since END`,
    );
    this.#accept = database.prepare(
      `INSERT INTO accepted (address, at, origin) VALUES (?, ?, ?)
       ON CONFLICT (address) DO UPDATE SET at = max(at, excluded.at), origin = excluded.origin`,
    );
    // At most once a day for each address, so that a busy mailbox does not cost a write for each mail.
    this.#took = database.prepare(
      `INSERT INTO accepted (address, at) VALUES (?, ?)
       ON CONFLICT (address) DO UPDATE SET at = excluded.at, origin = excluded.origin
         WHERE at < excluded.at - ${DAY}`,
    );
    this.#clear = database.prepare("DELETE FROM refused WHERE address = ?");
    const most = MOST_REFUSED;
    this.#refused = new BoundedTable(database, { table: "refused", key: "address", by: "at", most });
  }

  /** Notes that a primary accepted mail for this address; ignored within an hour, because a busy mailbox gets many. */
  delivered(address: string, now: number, batch: Batch): void {
    if (now - (this.#delivered.get(address) ?? -HOUR) < HOUR) return;
    const key = mailboxKeyOf(address);
    this.#took.run(key, now);
    this.#clear.run(key);
    if (this.#delivered.size >= MOST_DELIVERED) this.#delivered.clear();
    this.#delivered.set(address, now);
    batch.onRollback(() => this.#delivered.clear());
  }

  learn(notes: readonly WireNote[], now: number, batch: Batch): void {
    this.#turn(now);
    for (const { address, note } of notes) {
      if (note.kind === "refused") {
        this.#filter.add(address);
        this.#refuse.run(address, note.at, note.at, note.origin, note.reply);
        // The next delivery to the address must not be ignored, because it ends the refusal.
        this.#delivered.clear();
      } else {
        this.#accept.run(address, note.at, note.origin);
        this.#clear.run(address);
      }
    }
    this.#refused.tidy(notes.length, now - REFUSED_FOR, batch);
  }

  #turn(now: number): void {
    this.#turnedAt ??= now;
    if (now - this.#turnedAt < REFUSED_FOR) return;
    this.#filter.turn();
    this.#turnedAt = now;
  }
}
