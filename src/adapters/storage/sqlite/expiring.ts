import type Database from "better-sqlite3";
import type { ExpireSlice, State } from "../../../ports/queue.ts";
import type { Batch } from "./batch.ts";
import type { Bodies } from "./bodies.ts";

const STEP = 50;
/** How long it is remembered that a primary took mail for an address, in ms: 31 d and the day of its precision. */
const ACCEPTED_FOR = 32 * 86_400_000;

interface Key {
  readonly mail: number;
  readonly n: number;
}

/** Finds at most so many recipients that are too old. */
type Lookup = (most: number) => readonly Key[];

/**
 * Parks what waited too long, closes what was parked or in quarantine too long, and forgets old ledger rows. What is
 * held for another reason stays.
 */
export class Expiring {
  readonly #bodies: Bodies;
  readonly #older: Database.Statement<[string, number, number], Key>;
  readonly #quarantined: Database.Statement<[number, number], Key>;
  readonly #move: Database.Statement;
  readonly #forget: Database.Statement<[number, number]>;
  readonly #forgetMessage: Database.Statement<[number, number]>;
  readonly #forgetAccepted: Database.Statement<[number]>;

  constructor(database: Database.Database, parts: { bodies: Bodies }) {
    this.#bodies = parts.bodies;
    this.#older = database.prepare(
      `SELECT mail, n FROM recipient INDEXED BY recipient_age
       WHERE state = ? AND since < ? ORDER BY since, mail, n LIMIT ?`,
    );
    this.#quarantined = database.prepare(
      `SELECT mail, n FROM recipient INDEXED BY recipient_quarantine
       WHERE state = 'held' AND reason = 'quarantine' AND since < ? ORDER BY since, mail, n LIMIT ?`,
    );
    this.#move = database.prepare(
      "UPDATE recipient SET state = ?, reason = 'expired', since = ?, updated_at = ? WHERE mail = ? AND n = ?",
    );
    this.#forget = database.prepare("DELETE FROM recipient WHERE mail = ? AND n = ?");
    this.#forgetMessage = database.prepare(
      "DELETE FROM message WHERE key = ? AND NOT EXISTS (SELECT 1 FROM recipient WHERE mail = ?)",
    );
    this.#forgetAccepted = database.prepare(
      `DELETE FROM accepted WHERE address IN (SELECT address FROM accepted WHERE at < ? LIMIT ${STEP})`,
    );
  }

  /** Answers how many recipients moved or were forgotten; at most `limit`. */
  *expire(slice: ExpireSlice, batch: () => Batch): Generator<void, number> {
    let left = slice.limit;
    this.#forgetAccepted.run(slice.now - ACCEPTED_FOR);
    const close = (key: Key): void => {
      this.#move.run("gone", slice.now, slice.now, key.mail, key.n);
      this.#bodies.releaseUnneeded(key.mail, batch());
    };
    const park = ({ mail, n }: Key): void => void this.#move.run("parked", slice.now, slice.now, mail, n);
    const older = (state: State, before: number): Lookup => {
      return (most) => this.#older.all(state, before, most);
    };
    const quarantined: Lookup = (most) => this.#quarantined.all(slice.quarantinedBefore, most);
    left -= yield* each(older("gone", slice.goneBefore), left, (key) => this.#forgetOne(key));
    left -= yield* each(older("parked", slice.parkedBefore), left, close);
    left -= yield* each(quarantined, left, close);
    left -= yield* each(older("unconfirmed", slice.waitingBefore), left, park);
    left -= yield* each(older("waiting", slice.waitingBefore), left, park);
    return slice.limit - left;
  }

  #forgetOne({ mail, n }: Key): void {
    this.#forget.run(mail, n);
    this.#forgetMessage.run(mail, mail);
  }
}

function* each(find: Lookup, limit: number, act: (key: Key) => void): Generator<void, number> {
  let done = 0;
  while (done < limit) {
    const keys = find(Math.min(STEP, limit - done));
    for (const key of keys) act(key);
    done += keys.length;
    if (keys.length < STEP) break;
    yield;
  }
  return done;
}
