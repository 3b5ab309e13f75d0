import type Database from "better-sqlite3";
import type { Sessions } from "./sessions.ts";

/** Wait of mail that was being delivered after a crash, in ms: the primary may still be closing that session. */
const WAIT_AFTER_CRASH = 5000;

/** Ends claims that no delivery thread holds any more. */
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
   * Makes the claimed recipients unconfirmed, and due after a short wait: how their conversations ended is unknown.
   * Returns the number of recipients.
   */
  abandon(now: number, isLost: (token: number) => boolean): number {
    const lost = this.#claimed.all().filter(({ token }) => isLost(token));
    for (const { mail, n } of lost) this.#doubt.run(now + WAIT_AFTER_CRASH, now, mail, n);
    return lost.length;
  }

  /** Ends claims of a failed commit that no delivery thread knows of: nothing was sent, so these mails wait again. */
  putBack(now: number, sessions: Sessions): void {
    for (const { mail, n, token } of this.#claimed.all())
      if (!sessions.holds(token)) this.#back.run(now, mail, n);
  }

  /** Removes mail of a failed commit that is stored although it was refused: its sender keeps it. */
  remove(refused: readonly string[]): void {
    for (const id of refused) {
      const key = this.#key.get(id);
      if (key !== undefined) for (const statement of this.#deletes) statement.run(key);
    }
  }
}
