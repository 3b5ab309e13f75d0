import type Database from "better-sqlite3";
import type { Sessions } from "./sessions.ts";

/** How long mail that was in conversation waits after a crash, in ms: the primary may still be closing it. */
const WAIT_AFTER_CRASH = 5000;

/** Puts claims right that no delivery thread holds any more. */
export class Recovering {
  readonly #claimed: Database.Statement<[], { mail: number; n: number; token: number }>;
  readonly #doubt: Database.Statement;
  readonly #back: Database.Statement;
  readonly #key: Database.Statement<[string], number>;
  readonly #deletes: readonly Database.Statement<[number]>[];

  constructor(database: Database.Database) {
    this.#claimed = database.prepare(
      "SELECT mail, n, token FROM recipient INDEXED BY recipient_age WHERE state = 'claimed'",
    );
    this.#doubt = database.prepare(
      `UPDATE recipient SET state = 'unconfirmed', reason = NULL, unconfirmed = unconfirmed + 1,
         token = NULL, due_at = ?, updated_at = ? WHERE mail = ? AND n = ?`,
    );
    this.#back = database.prepare(
      "UPDATE recipient SET state = 'waiting', token = NULL, updated_at = ? WHERE mail = ? AND n = ?",
    );
    this.#key = database.prepare<[string], number>("SELECT key FROM message WHERE id = ?").pluck();
    this.#deletes = ["recipient WHERE mail", "body WHERE mail", "message WHERE key"].map((what) =>
      database.prepare<[number]>(`DELETE FROM ${what} = ?`),
    );
  }

  /**
   * These conversations are gone and nobody knows how they ended: unconfirmed, due after a short wait. Answers
   * how many recipients it was.
   */
  abandon(now: number, isLost: (token: number) => boolean): number {
    const lost = this.#claimed.all().filter(({ token }) => isLost(token));
    for (const { mail, n } of lost) this.#doubt.run(now + WAIT_AFTER_CRASH, now, mail, n);
    return lost.length;
  }

  /** Claims that a failed commit left and nobody was told of: nothing was sent for them, so they wait again. */
  putBack(now: number, sessions: Sessions): void {
    for (const { mail, n, token } of this.#claimed.all())
      if (!sessions.holds(token)) this.#back.run(now, mail, n);
  }

  /** Mail that a failed commit left although its sender was refused: the sender keeps it. */
  remove(refused: readonly string[]): void {
    for (const id of refused) {
      const key = this.#key.get(id);
      if (key !== undefined) for (const statement of this.#deletes) statement.run(key);
    }
  }
}
