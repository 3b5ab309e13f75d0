import type Database from "better-sqlite3";
import { domainOfKey } from "../../../../mail/delivery-key.ts";
import type { Kept, Parked, Quarantined, QueueCount } from "../../../../ports/operator.ts";
import type { RecipientState } from "../../../../ports/recipient-state.ts";
import { DeliveryKeys } from "../queue/delivery-keys.ts";

/** `domain` is a delivery key. */
interface CountRow {
  readonly domain: string;
  readonly state: RecipientState;
  readonly recipients: number;
}

/** How much there is, by domain and by state. */
export class QueueCounts {
  readonly #counts: Database.Statement<[], CountRow>;
  readonly #countsOfKey: Database.Statement<[string], CountRow>;
  readonly #oldest: Database.Statement<[string, string], number>;
  readonly #keys: DeliveryKeys;
  readonly #quarantined: Database.Statement<[], { recipients: number; oldest: number | null }>;
  readonly #parked: Database.Statement<
    [],
    { recipients: number; oldest: number | null; content: number | null }
  >;
  readonly #kept: Database.Statement<[string], Kept>;

  constructor(database: Database.Database) {
    const counts = (which: string): string =>
      `SELECT domain, state, count(*) AS recipients FROM recipient INDEXED BY recipient_domain
       WHERE state <> 'gone' ${which} GROUP BY domain, state`;
    this.#counts = database.prepare(counts(""));
    this.#countsOfKey = database.prepare(counts("AND domain = ?"));
    this.#oldest = database
      .prepare<[string, string], number>(
        `SELECT accepted_at FROM message WHERE key = (
           SELECT mail FROM recipient INDEXED BY recipient_domain
           WHERE domain = ? AND state = ? AND state <> 'gone' ORDER BY since, mail, n LIMIT 1)`,
      )
      .pluck();
    this.#keys = new DeliveryKeys(database);
    this.#quarantined = database.prepare(
      `SELECT count(*) AS recipients, min(since) AS oldest FROM recipient INDEXED BY recipient_quarantine
       WHERE state = 'held' AND reason = 'quarantine'`,
    );
    this.#parked = database.prepare(
      `SELECT count(*) AS recipients, min(since) AS oldest,
         (SELECT min(since) FROM recipient INDEXED BY recipient_content
          WHERE state = 'parked' AND reason = 'content') AS content
       FROM recipient INDEXED BY recipient_age WHERE state = 'parked'`,
    );
    this.#kept = database.prepare(
      `SELECT count(*) AS messages, coalesce(sum(m.size), 0) AS bytes FROM (
         SELECT DISTINCT mail FROM recipient INDEXED BY recipient_domain WHERE domain = ? AND state <> 'gone'
       ) r CROSS JOIN message m ON m.key = r.mail`,
    );
  }

  counts(of: string | undefined): readonly QueueCount[] {
    const rows =
      of === undefined ? this.#counts.all() : this.#keys.of(of).flatMap((key) => this.#countsOfKey.all(key));
    const counts = new Map<string, QueueCount>();
    for (const { domain: key, state, recipients } of rows) {
      const domain = domainOfKey(key);
      const known = counts.get(`${domain} ${state}`);
      const oldest = Math.min(known?.oldest ?? Infinity, this.#oldest.get(key, state) ?? Infinity);
      const all = recipients + (known?.recipients ?? 0);
      counts.set(`${domain} ${state}`, { domain, state, recipients: all, oldest });
    }
    return [...counts.values()];
  }

  kept(domain: string): Kept {
    const parts = this.#keys.of(domain).map((key) => this.#kept.get(key) ?? { messages: 0, bytes: 0 });
    return {
      messages: parts.reduce((sum, { messages }) => sum + messages, 0),
      bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  quarantined(): Quarantined {
    const { recipients = 0, oldest = null } = this.#quarantined.get() ?? {};
    return oldest === null ? { recipients } : { recipients, oldest };
  }

  parked(): Parked {
    const { recipients = 0, oldest = null, content = null } = this.#parked.get() ?? {};
    return {
      recipients,
      ...(oldest !== null && { oldest }),
      ...(content !== null && { oldestContent: content }),
    };
  }
}
