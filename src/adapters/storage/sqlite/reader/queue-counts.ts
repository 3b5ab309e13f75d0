import type Database from "better-sqlite3";
import { domainOfKey, reroutedRange } from "../../../../mail/delivery-key.ts";
import type { Kept, Parked, Quarantined, QueueCount } from "../../../../ports/operator.ts";
import type { RecipientState } from "../../../../ports/recipient-state.ts";

/** `domain` is a delivery key. */
interface CountRow {
  readonly domain: string;
  readonly state: RecipientState;
  readonly recipients: number;
  /** Key of the mail that was accepted first. */
  readonly first: number;
}

/** Counts recipients by domain and by state. */
export class QueueCounts {
  readonly #counts: Database.Statement<[], CountRow>;
  readonly #countsOf: Database.Statement<[string, string, string], CountRow>;
  readonly #acceptedAt: Database.Statement<[number], number>;
  readonly #quarantined: Database.Statement<[], { recipients: number; oldest: number | null }>;
  readonly #parked: Database.Statement<
    [],
    { recipients: number; oldest: number | null; content: number | null }
  >;
  readonly #kept: Database.Statement<[string, string, string], Kept>;

  constructor(database: Database.Database) {
    const counts = (which: string): string =>
      `SELECT domain, state, count(*) AS recipients, min(mail) AS first FROM recipient INDEXED BY recipient_domain
       WHERE state <> 'gone' ${which} GROUP BY domain, state`;
    this.#counts = database.prepare(counts(""));
    this.#countsOf = database.prepare(
      `${counts("AND domain = ?")} UNION ALL ${counts("AND domain > ? AND domain < ?")}`,
    );
    this.#acceptedAt = database
      .prepare<[number], number>("SELECT accepted_at FROM message WHERE key = ?")
      .pluck();
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
    const under = (keys: string): string =>
      `SELECT mail FROM recipient INDEXED BY recipient_domain WHERE ${keys} AND state <> 'gone'`;
    // UNION counts a mail once even if some of its recipients were rerouted.
    this.#kept = database.prepare(
      `SELECT count(*) AS messages, coalesce(sum(m.size), 0) AS bytes FROM (
         ${under("domain = ?")} UNION ${under("domain > ? AND domain < ?")}
       ) r CROSS JOIN message m ON m.key = r.mail`,
    );
  }

  counts(of: string | undefined): readonly QueueCount[] {
    const rows = of === undefined ? this.#counts.all() : this.#countsOf.all(of, ...reroutedRange(of));
    const counts = new Map<string, QueueCount>();
    for (const { domain: key, state, recipients, first } of rows) {
      const domain = domainOfKey(key);
      const known = counts.get(`${domain} ${state}`);
      // Keys increase with acceptance. `since` would be wrong: a release by an operator sets it anew.
      const oldest = Math.min(known?.oldest ?? Infinity, this.#acceptedAt.get(first) ?? Infinity);
      const all = recipients + (known?.recipients ?? 0);
      counts.set(`${domain} ${state}`, { domain, state, recipients: all, oldest });
    }
    return [...counts.values()];
  }

  kept(domain: string): Kept {
    return this.#kept.get(domain, ...reroutedRange(domain)) ?? { messages: 0, bytes: 0 };
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
