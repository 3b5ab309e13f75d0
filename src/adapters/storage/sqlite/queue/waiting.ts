import type Database from "better-sqlite3";
import type { RecipientState } from "../../../../ports/recipient-state.ts";
import type { DomainWork } from "../../../../ports/work-store.ts";
import type { Batch } from "../commit/batch.ts";
import { type Place, START } from "./pages.ts";

/** Rows of one step of a count, and of a wake. */
const COUNT_STEP = 5000;
const WAKE_STEP = 100;

const DUE_STATES: readonly RecipientState[] = ["waiting", "unconfirmed"];

/** Lists waiting mail by domain, and makes it due. Both run in slices. */
export class Waiting {
  readonly #nextDomain: Database.Statement<[string], string>;
  readonly #skip: Database.Statement<unknown[], Place>;
  readonly #rest: Database.Statement<unknown[], number>;
  readonly #nextDue: Database.Statement<[string], number>;
  readonly #lastDue: Database.Statement<[string], number>;
  readonly #oldest: Database.Statement<[string, string], number>;
  readonly #wake: Database.Statement<unknown[], number>;

  constructor(database: Database.Database) {
    // `= +?` because with `= ?` and ORDER BY, SQLite would recompile the statement for each value.
    const lane =
      "FROM recipient INDEXED BY recipient_domain WHERE domain = +? AND state = +? AND state <> 'gone'";
    this.#nextDomain = database
      .prepare<[string], string>(
        `SELECT domain FROM recipient INDEXED BY recipient_due
         WHERE domain > +? AND state IN ('waiting', 'unconfirmed') ORDER BY domain LIMIT 1`,
      )
      .pluck();
    this.#skip = database
      .prepare<unknown[], Place>(
        `SELECT since, mail, n ${lane} AND (since, mail, n) > (?, ?, ?)
         ORDER BY since, mail, n LIMIT 1 OFFSET ${COUNT_STEP - 1}`,
      )
      .raw();
    this.#rest = database
      .prepare<unknown[], number>(`SELECT count(*) ${lane} AND (since, mail, n) > (?, ?, ?)`)
      .pluck();
    const due = (order: string): Database.Statement<[string], number> =>
      database
        .prepare<[string], number>(
          `SELECT due_at FROM recipient INDEXED BY recipient_due
           WHERE domain = +? AND state IN ('waiting', 'unconfirmed') ORDER BY due_at ${order} LIMIT 1`,
        )
        .pluck();
    this.#nextDue = due("ASC");
    this.#lastDue = due("DESC");
    this.#oldest = database
      .prepare<[string, string], number>(
        `SELECT accepted_at FROM message WHERE key = (SELECT mail ${lane} ORDER BY since, mail, n LIMIT 1)`,
      )
      .pluck();
    this.#wake = database
      .prepare<unknown[], number>(
        `UPDATE recipient SET due_at = ?, updated_at = ? WHERE (mail, n) IN (
           SELECT mail, n FROM recipient INDEXED BY recipient_due
           WHERE domain = +? AND due_at > +? AND state IN ('waiting', 'unconfirmed') LIMIT ${WAKE_STEP})
         RETURNING 1`,
      )
      .pluck();
  }

  *all(): Generator<void, readonly DomainWork[]> {
    const found: DomainWork[] = [];
    for (let name = this.#nextDomain.get(""); name !== undefined; name = this.#nextDomain.get(name)) {
      const work = yield* this.#domain(name);
      if (work !== undefined) found.push(work);
      yield;
    }
    return found;
  }

  /** Makes all waiting mail of the domains due, then returns how much there is. */
  *wake(domains: readonly string[], now: number, batch: () => Batch): Generator<void, readonly DomainWork[]> {
    const found: DomainWork[] = [];
    for (const domain of domains) {
      yield;
      // A primary may have thousands of domains, few of which have mail.
      if (this.#nextDue.get(domain) === undefined) continue;
      for (;;) {
        const woken = this.#wake.all(now, now, domain, now).length;
        if (woken > 0) batch().addWork(domain, woken);
        yield;
        if (woken < WAKE_STEP) break;
      }
      const work = yield* this.#domain(domain);
      if (work !== undefined) found.push(work);
    }
    return found;
  }

  *#domain(domain: string): Generator<void, DomainWork | undefined> {
    let recipients = 0;
    let oldest = Infinity;
    for (const state of DUE_STATES) {
      recipients += yield* this.#count(domain, state);
      oldest = Math.min(oldest, this.#oldest.get(domain, state) ?? Infinity);
    }
    const nextDue = this.#nextDue.get(domain);
    if (nextDue === undefined) return undefined;
    return { domain, recipients, nextDue, lastDue: this.#lastDue.get(domain) ?? nextDue, oldest };
  }

  *#count(domain: string, state: RecipientState): Generator<void, number> {
    let counted = 0;
    let place = START;
    for (;;) {
      const next = this.#skip.get(domain, state, ...place);
      if (next === undefined) return counted + (this.#rest.get(domain, state, ...place) ?? 0);
      counted += COUNT_STEP;
      place = next;
      yield;
    }
  }
}
