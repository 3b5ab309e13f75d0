import type Database from "better-sqlite3";
import type { MailFilter, OperatorRequest, OperatorVerb } from "../../../ports/operator.ts";
import type { Reason, State } from "../../../ports/queue.ts";
import type { Batch } from "./batch.ts";
import type { Bodies } from "./bodies.ts";

/** Rows looked at in one step. */
const STEP = 100;

/** From where each verb moves. */
const FROM: Readonly<Record<OperatorVerb, readonly State[]>> = {
  hold: ["waiting", "unconfirmed"],
  release: ["held", "parked"],
  delete: ["waiting", "unconfirmed", "held", "parked"],
  flush: ["waiting", "unconfirmed"],
};

interface Candidate {
  readonly mail: number;
  readonly n: number;
  readonly since: number;
  readonly address: string;
  readonly domain: string;
  readonly reason: Reason | null;
  readonly sender: string;
}

type Change = (row: Candidate, request: OperatorRequest, batch: Batch) => void;

/** The operator's verbs, in slices over whatever index fits the filter. */
export class Operating {
  readonly #ofMail: Database.Statement<[string, string], Candidate>;
  readonly #ofDomain: Database.Statement<unknown[], Candidate>;
  readonly #ofState: Database.Statement<unknown[], Candidate>;
  readonly #changes: Readonly<Record<OperatorVerb, Change>>;

  constructor(database: Database.Database, parts: { bodies: Bodies }) {
    const select = "SELECT r.mail, r.n, r.since, r.address, r.domain, r.reason, m.sender";
    const page = `AND (since, mail, n) > (?, ?, ?) ORDER BY since, mail, n LIMIT ${STEP}`;
    this.#ofMail = database.prepare(
      `${select} FROM message m CROSS JOIN recipient r ON r.mail = m.key WHERE m.id = ? AND +r.state = ?`,
    );
    this.#ofDomain = database.prepare(
      `${select} FROM recipient r INDEXED BY recipient_domain CROSS JOIN message m ON m.key = r.mail
       WHERE r.domain = ? AND r.state = ? AND r.state <> 'gone' ${page}`,
    );
    this.#ofState = database.prepare(
      `${select} FROM recipient r INDEXED BY recipient_age CROSS JOIN message m ON m.key = r.mail
       WHERE r.state = ? ${page}`,
    );
    this.#changes = changes(database, parts.bodies);
  }

  /** Answers how many recipients moved. */
  *operate(request: OperatorRequest, batch: () => Batch): Generator<void, number> {
    const { filter, verb } = request;
    let moved = 0;
    for (const state of FROM[verb]) {
      if (filter.state !== undefined && filter.state !== state) continue;
      for (const rows of this.#pages(filter, state)) {
        for (const row of rows) {
          if (!matches(row, filter)) continue;
          this.#changes[verb](row, request, batch());
          moved += 1;
        }
        yield;
      }
    }
    return moved;
  }

  *#pages(filter: MailFilter, state: State): Generator<readonly Candidate[]> {
    if (filter.id !== undefined) return yield this.#ofMail.all(filter.id, state);
    let place: readonly number[] = [-1, -1, -1];
    for (;;) {
      const rows =
        filter.domain === undefined
          ? this.#ofState.all(state, ...place)
          : this.#ofDomain.all(filter.domain, state, ...place);
      const last = rows.at(-1);
      if (last === undefined) return;
      place = [last.since, last.mail, last.n];
      yield rows;
    }
  }
}

/** The parts of a filter that no index answers; addresses compare without case. */
export function matches(
  row: Pick<Candidate, "domain" | "sender" | "address" | "reason">,
  filter: MailFilter,
): boolean {
  return (
    (filter.reason === undefined || filter.reason === row.reason) &&
    same(row.domain, filter.domain) &&
    same(row.sender, filter.sender) &&
    same(row.address, filter.recipient)
  );
}

function same(value: string, wanted: string | undefined): boolean {
  return wanted === undefined || value.toLowerCase() === wanted.toLowerCase();
}

function changes(database: Database.Database, bodies: Bodies): Readonly<Record<OperatorVerb, Change>> {
  const move = database.prepare(
    `UPDATE recipient SET state = ?, reason = ?, who = ?, due_at = ?, since = coalesce(?, since), updated_at = ?
     WHERE mail = ? AND n = ?`,
  );
  const hold = database.prepare(
    "UPDATE recipient SET state = 'held', reason = 'operator', who = ?, updated_at = ? WHERE mail = ? AND n = ?",
  );
  const flush = database.prepare("UPDATE recipient SET due_at = ?, updated_at = ? WHERE mail = ? AND n = ?");
  return {
    hold: ({ mail, n }, { who, now }) => void hold.run(who, now, mail, n),
    release: ({ mail, n, domain }, { who, now }, batch) => {
      move.run("waiting", null, who, now, now, now, mail, n);
      batch.addWork(domain, 1);
    },
    delete: ({ mail, n }, { who, now }, batch) => {
      move.run("gone", "deleted", who, now, now, now, mail, n);
      bodies.releaseUnneeded(mail, batch);
    },
    flush: ({ mail, n, domain }, { now }, batch) => {
      flush.run(now, now, mail, n);
      batch.addWork(domain, 1);
    },
  };
}
