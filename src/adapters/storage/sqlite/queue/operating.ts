import type Database from "better-sqlite3";
import { domainOfKey, placeOfKey, reroutedKey } from "../../../../mail/delivery-key.ts";
import type { MailFilter, OperatorRequest, OperatorVerb } from "../../../../ports/operator.ts";
import { DSN_DOMAIN, type Told } from "../../../../ports/dsn.ts";
import type { Reason, RecipientState } from "../../../../ports/recipient-state.ts";
import type { Batch } from "../commit/batch.ts";
import type { Bodies } from "../bodies/bodies.ts";
import { DeliveryKeys } from "./delivery-keys.ts";
import { PAGE, pages } from "./pages.ts";

/** Rows that one step examines. */
const STEP = 100;

/** The states from which each verb moves recipients. */
const FROM: Readonly<Record<OperatorVerb, readonly RecipientState[]>> = {
  hold: ["waiting", "unconfirmed"],
  release: ["held", "parked"],
  delete: ["waiting", "unconfirmed", "held", "parked"],
  flush: ["waiting", "unconfirmed"],
  reroute: ["waiting", "unconfirmed", "held", "parked"],
  // `parked` comes first, so that recipients that this verb parks are not found again.
  bounce: ["parked", "waiting", "unconfirmed", "held"],
};

interface Candidate {
  readonly mail: number;
  readonly n: number;
  readonly since: number;
  readonly address: string;
  /** The delivery key. */
  readonly domain: string;
  readonly state: RecipientState;
  readonly reason: Reason | null;
  /** The last notice to its sender, `Told` as JSON. */
  readonly told: string | null;
  readonly sender: string;
}

type Change = (row: Candidate, request: OperatorRequest, batch: Batch) => void;

/** Runs the operator's verbs in slices, over the index that fits the filter. */
export class Operating {
  readonly #ofMail: Database.Statement<[string, string], Candidate>;
  readonly #ofDomain: Database.Statement<unknown[], Candidate>;
  readonly #ofState: Database.Statement<unknown[], Candidate>;
  readonly #keys: DeliveryKeys;
  readonly #changes: Readonly<Record<OperatorVerb, Change>>;

  constructor(database: Database.Database, parts: { bodies: Bodies }) {
    const select = "SELECT r.mail, r.n, r.since, r.address, r.domain, r.state, r.reason, r.told, m.sender";
    this.#ofMail = database.prepare(
      `${select} FROM message m CROSS JOIN recipient r ON r.mail = m.key WHERE m.id = ? AND +r.state = ?`,
    );
    this.#ofDomain = database.prepare(
      `${select} FROM recipient r INDEXED BY recipient_domain CROSS JOIN message m ON m.key = r.mail
       WHERE r.domain = ? AND r.state = ? AND r.state <> 'gone' ${PAGE} ${STEP}`,
    );
    this.#ofState = database.prepare(
      `${select} FROM recipient r INDEXED BY recipient_age CROSS JOIN message m ON m.key = r.mail
       WHERE r.state = ? ${PAGE} ${STEP}`,
    );
    this.#keys = new DeliveryKeys(database);
    this.#changes = changes(database, parts.bodies);
  }

  /** Returns the number of recipients that were changed. */
  *operate(request: OperatorRequest, batch: () => Batch): Generator<void, number> {
    const { filter, verb } = request;
    let moved = 0;
    for (const state of FROM[verb]) {
      if (filter.state !== undefined && filter.state !== state) continue;
      for (const rows of this.#pages(filter, state)) {
        for (const row of rows) {
          if (!matches(row, filter) || isDone(row, request)) continue;
          this.#changes[verb](row, request, batch());
          moved += 1;
        }
        yield;
      }
    }
    return moved;
  }

  *#pages(filter: MailFilter, state: RecipientState): Generator<readonly Candidate[]> {
    if (filter.id !== undefined) return yield this.#ofMail.all(filter.id, state);
    if (filter.domain === undefined) return yield* pages((after) => this.#ofState.all(state, ...after));
    for (const key of this.#keys.of(filter.domain))
      yield* pages((after) => this.#ofDomain.all(key, state, ...after));
  }
}

/**
 * Whether the verb has nothing to do for this recipient: this run has rerouted it already, and it appears again under
 * its new key, or its sender was notified. No notice is sent about a DSN, and a DSN is never rerouted.
 */
function isDone({ domain, state, told }: Candidate, { verb, to }: OperatorRequest): boolean {
  const isDsn = domainOfKey(domain) === DSN_DOMAIN;
  if (verb === "bounce") return isDsn || (state === "parked" && wasTold(told));
  if (verb !== "reroute" || to === undefined) return false;
  const stands = state === "held" || state === "parked";
  return isDsn || (!stands && placeOfKey(domain) === to);
}

/** Whether the sender was notified of the failure, not only of a delay. */
function wasTold(told: string | null): boolean {
  const { kind, notice } = told === null ? ({} as Partial<Told>) : (JSON.parse(told) as Told);
  return notice !== undefined && kind !== "delayed";
}

/** Applies the parts of a filter that no index covers; addresses are compared without regard to case. */
export function matches(
  row: Pick<Candidate, "domain" | "sender" | "address" | "reason">,
  filter: MailFilter,
): boolean {
  return (
    (filter.reason === undefined || filter.reason === row.reason) &&
    same(domainOfKey(row.domain), filter.domain) &&
    same(row.sender, filter.sender) &&
    same(row.address, filter.recipient)
  );
}

function same(value: string, wanted: string | undefined): boolean {
  return wanted === undefined || value.toLowerCase() === wanted.toLowerCase();
}

/** `since` never decreases, although an operation uses the time at which it began: lists are ordered by it. */
function changes(database: Database.Database, bodies: Bodies): Readonly<Record<OperatorVerb, Change>> {
  const move = database.prepare(
    `UPDATE recipient SET state = ?, reason = ?, who = ?, due_at = ?, since = max(?, since), updated_at = ?,
       owed = NULL WHERE mail = ? AND n = ?`,
  );
  const hold = database.prepare(
    "UPDATE recipient SET state = 'held', reason = 'operator', who = ?, updated_at = ? WHERE mail = ? AND n = ?",
  );
  const flush = database.prepare("UPDATE recipient SET due_at = ?, updated_at = ? WHERE mail = ? AND n = ?");
  const rekey = database.prepare("UPDATE recipient SET domain = ? WHERE mail = ? AND n = ?");
  const giveUp = database.prepare(
    `UPDATE recipient SET state = 'parked', reason = 'operator', who = ?, owed = 'expired', since = max(?, since), updated_at = ?
     WHERE mail = ? AND n = ?`,
  );
  const owe = database.prepare(
    `UPDATE recipient SET owed = iif(reason IN ('expired', 'operator'), 'expired', 'failed'), who = ?, updated_at = ?
     WHERE mail = ? AND n = ?`,
  );
  return {
    bounce: ({ mail, n, state }, { who, now }) =>
      void (state === "parked" ? owe.run(who, now, mail, n) : giveUp.run(who, now, now, mail, n)),
    hold: ({ mail, n }, { who, now }) => void hold.run(who, now, mail, n),
    release: ({ mail, n, domain }, { who, now }, batch) => {
      move.run("waiting", null, who, now, now, now, mail, n);
      batch.addWork(domain, 1);
    },
    delete: ({ mail, n }, { who, now }, batch) => {
      move.run("gone", "deleted", who, now, now, now, mail, n);
      bodies.releaseUnneeded(mail, batch);
    },
    reroute: ({ mail, n, domain, state }, { to, who, now }, batch) => {
      const own = domainOfKey(domain);
      const key = to === undefined ? own : reroutedKey(own, to);
      rekey.run(key, mail, n);
      if (state === "held" || state === "parked") move.run("waiting", null, who, now, now, now, mail, n);
      else flush.run(now, now, mail, n);
      batch.addWork(key, 1);
    },
    flush: ({ mail, n, domain }, { now }, batch) => {
      flush.run(now, now, mail, n);
      batch.addWork(domain, 1);
    },
  };
}
