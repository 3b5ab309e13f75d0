import type Database from "better-sqlite3";
import { DSN_DOMAIN } from "../../../../ports/dsn.ts";
import type { RecipientState } from "../../../../ports/recipient-state.ts";
import type { Expired, ExpireSlice } from "../../../../ports/work-store.ts";
import type { Batch } from "../commit/batch.ts";
import type { Bodies } from "../bodies/bodies.ts";

/** Rows of one step. */
const STEP = 50;
/** How long the delivery to an address is remembered, in ms: 31 days, and one day for the precision of the record. */
const ACCEPTED_FOR = 32 * 86_400_000;
/** How long the DSNs to one address are counted, in ms. */
const NOTICED_FOR = 86_400_000;

interface Key {
  readonly mail: number;
  readonly n: number;
}

/** Handles at most `most` rows that are too old; returns their number. */
type Step = (most: number) => number;

/**
 * Parks mail that waited too long, deletes mail that was parked or in quarantine too long, and forgets old ledger rows
 * and old knowledge about addresses. Mail that is held for another reason stays.
 */
export class Expiring {
  readonly #bodies: Bodies;
  readonly #older: Database.Statement<[string, number, number], Key>;
  readonly #quarantined: Database.Statement<[number, number], Key>;
  readonly #close: Database.Statement;
  readonly #forget: Database.Statement<[number, number]>;
  readonly #forgetMessage: Database.Statement<[number, number]>;
  readonly #forgetAccepted: Database.Statement<[number, number]>;
  readonly #forgetNoticed: Database.Statement<[number, number, number]>;
  readonly #refusedBody: Database.Statement<[number, number], Key>;
  readonly #giveUp: Database.Statement;

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
    this.#refusedBody = database.prepare(
      `SELECT mail, n FROM recipient INDEXED BY recipient_content
       WHERE state = 'parked' AND reason = 'content' AND since < ? ORDER BY since, mail, n LIMIT ?`,
    );
    // A DSN that cannot be delivered is deleted without notice: there is no DSN about a DSN.
    this.#giveUp = database.prepare(
      `UPDATE recipient SET state = iif(domain = '${DSN_DOMAIN}', 'gone', 'parked'), reason = 'expired',
         owed = iif(domain = '${DSN_DOMAIN}', NULL, 'expired'), since = ?, updated_at = ?
       WHERE mail = ? AND n = ?`,
    );
    this.#forget = database.prepare("DELETE FROM recipient WHERE mail = ? AND n = ?");
    this.#forgetMessage = database.prepare(
      "DELETE FROM message WHERE key = ? AND NOT EXISTS (SELECT 1 FROM recipient WHERE mail = ?)",
    );
    this.#forgetAccepted = database.prepare(
      "DELETE FROM accepted WHERE address IN (SELECT address FROM accepted WHERE at < ? LIMIT ?)",
    );
    this.#forgetNoticed = database.prepare(
      "DELETE FROM noticed WHERE address IN (SELECT address FROM noticed WHERE since < ? OR since > ? LIMIT ?)",
    );
  }

  /** Handles at most `limit` rows in total. */
  *expire(slice: ExpireSlice, batch: () => Batch): Generator<void, Expired> {
    const { now, limit, contentBefore = slice.parkedBefore } = slice;
    const forget = (key: Key): void => this.#forgetOne(key, batch());
    const close = (key: Key): void => {
      this.#close.run(now, now, key.mail, key.n);
      this.#bodies.releaseUnneeded(key.mail, batch());
    };
    const park = ({ mail, n }: Key): void => {
      this.#giveUp.run(now, now, mail, n);
      this.#bodies.releaseUnneeded(mail, batch());
    };
    const older = (state: RecipientState, before: number, act: (key: Key) => void): Step =>
      each((most) => this.#older.all(state, before, most), act);
    let left = limit;
    const all = function* (...steps: readonly Step[]): Generator<void, number> {
      const before = left;
      for (const step of steps) left -= yield* repeated(step, left);
      return before - left;
    };
    const forgotten = yield* all(older("gone", slice.goneBefore, forget));
    const deleted = yield* all(
      older("parked", slice.parkedBefore, close),
      each((most) => this.#refusedBody.all(contentBefore, most), close),
      each((most) => this.#quarantined.all(slice.quarantinedBefore, most), close),
    );
    const { waitingBefore } = slice;
    const givenUp = yield* all(
      older("unconfirmed", waitingBefore, park),
      older("waiting", waitingBefore, park),
    );
    const remembered = yield* all(
      (most) => this.#forgetAccepted.run(now - ACCEPTED_FOR, most).changes,
      (most) => this.#forgetNoticed.run(now - NOTICED_FOR, now, most).changes,
    );
    return { givenUp, deleted, forgotten: forgotten + remembered };
  }

  #forgetOne({ mail, n }: Key, batch: Batch): void {
    this.#forget.run(mail, n);
    this.#bodies.releaseUnneeded(mail, batch);
    this.#forgetMessage.run(mail, mail);
  }
}

function each(find: (most: number) => readonly Key[], act: (key: Key) => void): Step {
  return (most) => {
    const keys = find(most);
    for (const key of keys) act(key);
    return keys.length;
  };
}

function* repeated(step: Step, limit: number): Generator<void, number> {
  let done = 0;
  while (done < limit) {
    const changed = step(Math.min(STEP, limit - done));
    done += changed;
    if (changed < STEP) break;
    yield;
  }
  return done;
}
