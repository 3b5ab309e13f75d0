import type Database from "better-sqlite3";
import type { Batch } from "../commit/batch.ts";
import type { Bodies } from "../bodies/bodies.ts";
import { FACTS, RECORD, type ClaimedRow, type NewRecipientRow } from "../wire/mail-row.ts";
import type { Sessions, WorkSession } from "./sessions.ts";
import { buffersOf, type WireClaim, type WireMail } from "../wire/wire.ts";

/** A new mail, with its body if that is to be a row. */
export interface Arrived {
  readonly mail: WireMail;
  readonly body: Uint8Array | undefined;
}

interface Grant {
  readonly session: WorkSession;
  readonly token: number;
}

/** A recipient and its position in the mail. */
type Numbered = readonly [n: number, recipient: NewRecipientRow];

type Key = number | bigint;

/** Stores new mail. If a delivery thread has credit for a domain, the recipients are stored as claimed by it. */
export class Accepting {
  /** Ids of mails that were inserted since the last successful commit. */
  readonly inDoubt = new Set<string>();
  readonly #bodies: Bodies;
  readonly #sessions: Sessions;
  readonly #message: Database.Statement<unknown[]>;
  readonly #waiting: Database.Statement<unknown[]>;
  readonly #claimed: Database.Statement<unknown[]>;
  readonly #held: Database.Statement<unknown[]>;

  constructor(database: Database.Database, parts: { bodies: Bodies; sessions: Sessions }) {
    this.#bodies = parts.bodies;
    this.#sessions = parts.sessions;
    const columns = `${FACTS}, ${RECORD}`;
    this.#message = database.prepare(
      `INSERT INTO message (${columns}) VALUES (${columns.replaceAll(/\w+/g, "?")})`,
    );
    // Constant values are in the text of the statement, because each bound value costs time.
    const recipient = (state: string, reason: string, token: string): Database.Statement<unknown[]> =>
      database.prepare(
        `INSERT INTO recipient (mail, n, address, domain, notify, orcpt, due_at, since, updated_at, state, reason, token)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ${state}, ${reason}, ${token})`,
      );
    this.#waiting = recipient("'waiting'", "NULL", "NULL");
    this.#claimed = recipient("'claimed'", "NULL", "?");
    this.#held = recipient("'held'", "'quarantine'", "NULL");
  }

  accept(arrived: Arrived, batch: Batch): void {
    const [[id]] = arrived.mail;
    this.store(arrived, batch);
    // Only now: if the id exists already, the insert throws, and the mail that has it is not in doubt.
    this.inDoubt.add(id);
  }

  /** Stores a mail of our own, such as a DSN: no client keeps it, so it is never removed after a failed commit. */
  store(arrived: Arrived, batch: Batch): void {
    const [facts, record, recipients] = arrived.mail;
    const key = this.#message.run(facts, record).lastInsertRowid;
    if (arrived.body !== undefined) this.#bodies.store(key, arrived.body);
    const [, , at] = facts;
    const [quarantine] = record;
    if (quarantine === null) this.#queue(arrived, { key, at }, batch);
    else for (const [n, recipient] of recipients.entries()) this.#held.run(key, n, recipient, at, at, at);
  }

  #queue(arrived: Arrived, { key, at }: { readonly key: Key; readonly at: number }, batch: Batch): void {
    const [, , recipients] = arrived.mail;
    for (const [domain, numbered] of byDomain(recipients)) {
      const grant = this.#takeGrant(domain, batch);
      for (const [n, recipient] of numbered)
        if (grant === undefined) this.#waiting.run(key, n, recipient, at, at, at);
        else this.#claimed.run(key, n, recipient, at, at, at, grant.token);
      if (grant === undefined) batch.addWork(domain, numbered.length);
      else batch.onCommit(() => handOver(arrived, { domain, numbered }, grant));
    }
  }

  #takeGrant(domain: string, batch: Batch): Grant | undefined {
    const session = this.#sessions.takeCredit(domain);
    if (session === undefined) return undefined;
    batch.onRollback(() => session.giveBack(domain));
    return { session, token: this.#sessions.nextToken() };
  }
}

function byDomain(recipients: readonly NewRecipientRow[]): Map<string, Numbered[]> {
  const domains = new Map<string, Numbered[]>();
  for (const numbered of recipients.entries()) {
    const [, domain] = numbered[1];
    const known = domains.get(domain);
    if (known === undefined) domains.set(domain, [numbered]);
    else known.push(numbered);
  }
  return domains;
}

/** Hands new mail that was claimed by credit to the delivery thread, with a copy of the body from memory. */
function handOver(
  { mail: [facts, [, crc]], body }: Arrived,
  { domain, numbered }: { readonly domain: string; readonly numbered: readonly Numbered[] },
  { session, token }: Grant,
): void {
  session.claimed(token, numbered.length);
  const content = body === undefined ? null : body.slice().buffer;
  const claimed = { content, crc: content === null ? crc : null };
  const mail: WireClaim = [token, domain, facts, numbered.map(freshClaim), claimed];
  session.tell({ kind: "claimed", mail }, buffersOf([mail]));
}

function freshClaim([n, [address, , notify, orcpt]]: Numbered): ClaimedRow {
  return [n, address, notify, orcpt, 0, 0];
}
