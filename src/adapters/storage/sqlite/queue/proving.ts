import type Database from "better-sqlite3";
import { mailboxKeyOf } from "../../../../mail/address.ts";
import type { ClaimRequest, DueMail, UnholdRequest } from "../../../../ports/work-store.ts";
import type { Batch } from "../commit/batch.ts";
import { PAGE, pages, type Place } from "./pages.ts";

/** Rows of one step, and most recipients that `due` returns. */
const STEP = 100;
const MAX_DUE = 1000;

interface HeldRow {
  readonly mail: number;
  readonly n: number;
  readonly since: number;
  readonly domain: string;
  readonly reason: string | null;
}

/** Queries and changes that delivery needs while it does not trust a primary yet (probation). */
export class Proving {
  readonly #due: Database.Statement<[string, number, number], { id: string; address: string }>;
  readonly #accepted: Database.Statement<[string], number>;
  readonly #heldOfDomain: Database.Statement<unknown[], HeldRow>;
  readonly #held: Database.Statement<unknown[], HeldRow>;
  readonly #release: Database.Statement<[number, number, number, number]>;

  constructor(database: Database.Database) {
    this.#due = database.prepare(
      `SELECT m.id, r.address FROM recipient r INDEXED BY recipient_due CROSS JOIN message m ON m.key = r.mail
       WHERE r.domain = ? AND r.due_at <= ? AND r.state IN ('waiting', 'unconfirmed')
       ORDER BY r.due_at, r.mail, r.n LIMIT ?`,
    );
    this.#accepted = database.prepare<[string], number>("SELECT at FROM accepted WHERE address = ?").pluck();
    const select = "SELECT mail, n, since, domain, reason FROM recipient";
    this.#heldOfDomain = database.prepare(
      `${select} INDEXED BY recipient_domain WHERE domain = ? AND state = 'held' AND state <> 'gone' ${PAGE} ${STEP}`,
    );
    this.#held = database.prepare(`${select} INDEXED BY recipient_age WHERE state = 'held' ${PAGE} ${STEP}`);
    this.#release = database.prepare(
      "UPDATE recipient SET state = 'waiting', reason = NULL, due_at = ?, updated_at = ? WHERE mail = ? AND n = ?",
    );
  }

  due({ domain, now, limit }: Required<Omit<ClaimRequest, "id">>): readonly DueMail[] {
    const rows = this.#due.all(domain, now, Math.min(limit, MAX_DUE));
    const mails = Map.groupBy(rows, ({ id }) => id);
    return [...mails].map(([id, of]) => ({ id, recipients: of.map(({ address }) => address) }));
  }

  accepted(addresses: readonly string[]): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const address of addresses) {
      const at = this.#accepted.get(mailboxKeyOf(address));
      if (at !== undefined) found.set(address, at);
    }
    return found;
  }

  *unhold(
    { domain, limit = Infinity, now }: UnholdRequest,
    batch: () => Batch,
  ): Generator<void, ReadonlyMap<string, number>> {
    const released = new Map<string, number>();
    let left = limit;
    const held = (after: Place): readonly HeldRow[] =>
      domain === undefined ? this.#held.all(...after) : this.#heldOfDomain.all(domain, ...after);
    for (const rows of pages(held)) {
      for (const row of rows) {
        if (row.reason !== "probation" || left <= 0) continue;
        this.#release.run(now, now, row.mail, row.n);
        batch().addWork(row.domain, 1);
        released.set(row.domain, (released.get(row.domain) ?? 0) + 1);
        left -= 1;
      }
      if (left <= 0) break;
      yield;
    }
    return released;
  }
}
