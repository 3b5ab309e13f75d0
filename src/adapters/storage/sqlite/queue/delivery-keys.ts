import type Database from "better-sqlite3";
import { reroutedRange } from "../../../../mail/delivery-key.ts";

/** Finds the keys under which a domain's mail lies: its own, and those of mail that was sent elsewhere. */
export class DeliveryKeys {
  readonly #next: Database.Statement<[string, string], string>;

  constructor(database: Database.Database) {
    this.#next = database
      .prepare<[string, string], string>(
        `SELECT domain FROM recipient INDEXED BY recipient_domain
         WHERE domain > ? AND domain < ? AND state <> 'gone' ORDER BY domain LIMIT 1`,
      )
      .pluck();
  }

  of(domain: string): readonly string[] {
    const keys = [domain];
    const [above, below] = reroutedRange(domain);
    for (let key = this.#next.get(above, below); key !== undefined; key = this.#next.get(key, below))
      keys.push(key);
    return keys;
  }
}
