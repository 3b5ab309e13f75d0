import type Database from "better-sqlite3";
import { DSN_DOMAIN } from "../../../../ports/dsn.ts";
import type { RecipientState } from "../../../../ports/recipient-state.ts";
import type { Expired, ExpireSlice } from "../../../../ports/work-store.ts";
import type { Batch } from "../commit/batch.ts";
import type { Bodies } from "../bodies/bodies.ts";

/** Rows of one step. */
const STEP = 50;
/** How long it is remembered that a primary took mail for an address, in ms: 31 d and the day of its precision. */
const ACCEPTED_FOR = 32 * 86_400_000;
/** How long the DSNs to one address are counted, in ms. */
const NOTICED_FOR = 86_400_000;

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
  readonly #close: Database.Statement;
  readonly #forget: Database.Statement<[number, number]>;
  readonly #forgetMessage: Database.Statement<[number, number]>;
  readonly #forgetAccepted: Database.Statement<[number]>;
  readonly #forgetNoticed: Database.Statement<[number]>;
  readonly #content: Database.Statement<[number, number], Key>;
  readonly #give: Database.Statement;

  constructor(database: Database.Database, parts: { bodies: Bodies }) {
    this.#bodies = parts.bodies;
    this.#older = database.prepare(
      `SELECT mail, n FROM recipient INDEXED BY recipient_age
       WHERE state = ? AND since < ? ORDER BY since, mail, n LIMIT ?`,
    );
    this.#close = database.prepare(
      `UPDATE recipient SET state = 'gone', reason = 'expired', owed = NULL, since = ?, updated_at = ?
       WHERE mail = ? AND n = ?`,
    );
    this.#quarantined = database.prepare(
      `SELECT mail, n FROM recipient INDEXED BY recipient_quarantine
       WHERE state = 'held' AND reason = 'quarantine' AND since < ? ORDER BY since, mail, n LIMIT ?`,
    );
    this.#content = database.prepare(
      `SELECT mail, n FROM recipient INDEXED BY recipient_content
       WHERE state = 'parked' AND reason = 'content' AND since < ? ORDER BY since, mail, n LIMIT ?`,
    );
    // A DSN that nobody takes goes without a word: there is no DSN about a DSN.
    this.#give = database.prepare(
      `UPDATE recipient SET state = iif(domain = '${DSN_DOMAIN}', 'gone', 'parked'), reason = 'expired',
         owed = iif(domain = '${DSN_DOMAIN}', NULL, 'expired'), since = ?, updated_at = ?
       WHERE mail = ? AND n = ?`,
    );
    this.#forget = database.prepare("DELETE FROM recipient WHERE mail = ? AND n = ?");
    this.#forgetMessage = database.prepare(
      "DELETE FROM message WHERE key = ? AND NOT EXISTS (SELECT 1 FROM recipient WHERE mail = ?)",
    );
    this.#forgetAccepted = database.prepare(
      `DELETE FROM accepted WHERE address IN (SELECT address FROM accepted WHERE at < ? LIMIT ${STEP})`,
    );
    this.#forgetNoticed = database.prepare(
      `DELETE FROM noticed WHERE address IN (SELECT address FROM noticed WHERE since < ? LIMIT ${STEP})`,
    );
  }

  /** At most `limit` recipients, all together. */
  *expire(slice: ExpireSlice, batch: () => Batch): Generator<void, Expired> {
    this.#forgetAccepted.run(slice.now - ACCEPTED_FOR);
    this.#forgetNoticed.run(slice.now - NOTICED_FOR);
    const close = (key: Key): void => {
      this.#close.run(slice.now, slice.now, key.mail, key.n);
      this.#bodies.releaseUnneeded(key.mail, batch());
    };
    const park = ({ mail, n }: Key): void => {
      this.#give.run(slice.now, slice.now, mail, n);
      this.#bodies.releaseUnneeded(mail, batch());
    };
    const older = (state: RecipientState, before: number): Lookup => {
      return (most) => this.#older.all(state, before, most);
    };
    const quarantined: Lookup = (most) => this.#quarantined.all(slice.quarantinedBefore, most);
    const { contentBefore = slice.parkedBefore } = slice;
    const refused: Lookup = (most) => this.#content.all(contentBefore, most);
    let left = slice.limit;
    const all = function* (lookups: readonly Lookup[], act: (key: Key) => void): Generator<void, number> {
      const before = left;
      for (const lookup of lookups) left -= yield* each(lookup, left, act);
      return before - left;
    };
    const forget = (key: Key): void => this.#forgetOne(key, batch());
    const forgotten = yield* all([older("gone", slice.goneBefore)], forget);
    const deleted = yield* all([older("parked", slice.parkedBefore), refused, quarantined], close);
    const waits = [older("unconfirmed", slice.waitingBefore), older("waiting", slice.waitingBefore)];
    return { givenUp: yield* all(waits, park), deleted, forgotten };
  }

  #forgetOne({ mail, n }: Key, batch: Batch): void {
    this.#forget.run(mail, n);
    this.#bodies.releaseUnneeded(mail, batch);
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
