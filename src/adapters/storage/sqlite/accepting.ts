import type Database from "better-sqlite3";
import { TRAITS, type Trait } from "../../../mail/header-scanner.ts";
import type { ClaimedRecipient, NewMail, NewRecipient } from "../../../ports/queue.ts";
import type { Batch } from "./batch.ts";
import type { Bodies } from "./bodies.ts";
import { claimNotice } from "./sessions.ts";
import type { Sessions, WorkSession } from "./sessions.ts";
import type { WireBody, WireMail } from "./wire.ts";

type Numbered = NewRecipient & { readonly n: number };

interface Grant {
  readonly session: WorkSession;
  readonly token: number;
}

/** Stores new mail; where a delivery thread has credit for a domain, its recipients are claimed as they are born. */
export class Accepting {
  /** Inserted, but no commit has succeeded since. */
  readonly inDoubt = new Set<string>();
  readonly #bodies: Bodies;
  readonly #sessions: Sessions;
  readonly #message: Database.Statement;
  readonly #recipient: Database.Statement;
  readonly #held: Database.Statement;

  constructor(database: Database.Database, parts: { bodies: Bodies; sessions: Sessions }) {
    this.#bodies = parts.bodies;
    this.#sessions = parts.sessions;
    this.#message = database.prepare(
      `INSERT INTO message (id, sender, accepted_at, size, hash, client_ip, client_name, client_helo, client_tls, client_port, server_ip,
         top_fields, smtp_utf8, eight_bit, message_id, subject, from_field, authentication, spool,
         dsn_ret, dsn_envid, traits, quarantine)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#recipient = database.prepare(
      `INSERT INTO recipient (mail, n, address, domain, state, due_at, token, since, updated_at, notify, orcpt)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#held = database.prepare(
      `INSERT INTO recipient (mail, n, address, domain, state, reason, due_at, since, updated_at, notify, orcpt)
       VALUES (?, ?, ?, ?, 'held', 'quarantine', ?, ?, ?, ?, ?)`,
    );
  }

  accept(wire: WireMail, batch: Batch): void {
    this.inDoubt.add(wire.mail.id);
    this.store(wire, batch);
  }

  /** For mail of our own, which no client may take back. */
  store({ mail, size, body }: WireMail, batch: Batch): void {
    const key = this.#insertMessage(mail, size, body);
    this.#bodies.store(key, body);
    if (mail.quarantine !== undefined) return this.#setAside(key, mail);
    for (const [domain, recipients] of byDomain(mail.recipients)) {
      const grant = this.#takeGrant(domain, batch);
      for (const recipient of recipients) this.#insertRecipient(key, mail, recipient, grant);
      if (grant === undefined) batch.addWork(domain, recipients.length);
      else batch.onCommit(() => handOver({ mail, size, body }, { domain, recipients }, grant));
    }
  }

  #insertMessage(mail: NewMail, size: number, body: WireBody): number | bigint {
    const { client } = mail;
    return this.#message.run(
      mail.id,
      mail.sender,
      mail.acceptedAt,
      size,
      mail.hash,
      client.ip,
      client.name,
      client.helo,
      client.tls,
      client.port,
      client.server,
      mail.topFields,
      mail.smtpUtf8 ? 1 : 0,
      mail.eightBit ? 1 : 0,
      mail.messageId,
      mail.subject,
      mail.from,
      mail.authentication && JSON.stringify(mail.authentication),
      typeof body === "string" ? body : null,
      mail.dsn?.ret,
      mail.dsn?.envid,
      traitBits(mail.traits),
      mail.quarantine,
    ).lastInsertRowid;
  }

  #insertRecipient(key: number | bigint, mail: NewMail, to: Numbered, grant: Grant | undefined): void {
    const state = grant === undefined ? "waiting" : "claimed";
    const at = mail.acceptedAt;
    const { n, address, domain, notify, orcpt } = to;
    this.#recipient.run(key, n, address, domain, state, at, grant?.token, at, at, notify, orcpt);
  }

  #setAside(key: number | bigint, { recipients, acceptedAt: at }: NewMail): void {
    for (const [n, { address, domain, notify, orcpt }] of recipients.entries())
      this.#held.run(key, n, address, domain, at, at, at, notify, orcpt);
  }

  #takeGrant(domain: string, batch: Batch): Grant | undefined {
    const session = this.#sessions.takeCredit(domain);
    if (session === undefined) return undefined;
    batch.onRollback(() => session.giveBack(domain));
    return { session, token: this.#sessions.nextToken() };
  }
}

function freshClaim(recipient: Numbered): ClaimedRecipient {
  const { domain: _, ...known } = recipient;
  return { ...known, attempts: 0, unconfirmed: 0 };
}

/** One bit each, in the order of TRAITS. */
function traitBits(traits: NewMail["traits"] = []): number {
  return traits.reduce((bits, trait) => bits | (1 << TRAITS.indexOf(trait)), 0);
}

export function traitsOf(bits: number): readonly Trait[] {
  return TRAITS.filter((_, bit) => (bits & (1 << bit)) !== 0);
}

function byDomain(recipients: readonly NewRecipient[]): Map<string, Numbered[]> {
  const domains = new Map<string, Numbered[]>();
  for (const [n, recipient] of recipients.entries()) {
    const numbered = { ...recipient, n };
    const known = domains.get(recipient.domain);
    if (known === undefined) domains.set(recipient.domain, [numbered]);
    else known.push(numbered);
  }
  return domains;
}

/** Tells the delivery thread of fresh mail that its credit claimed; the body goes along from memory. */
function handOver(
  { mail, size, body }: WireMail,
  lot: { domain: string; recipients: readonly Numbered[] },
  { session, token }: Grant,
): void {
  session.claimed(token, lot.recipients.length);
  const notice = claimNotice({
    id: mail.id,
    token,
    domain: lot.domain,
    sender: mail.sender,
    recipients: lot.recipients.map(freshClaim),
    acceptedAt: mail.acceptedAt,
    client: mail.client,
    topFields: mail.topFields,
    smtpUtf8: mail.smtpUtf8,
    eightBit: mail.eightBit,
    ...(mail.dsn !== undefined && { dsn: mail.dsn }),
    ...(mail.authentication !== undefined && { authentication: mail.authentication }),
    size,
    // Each domain of the mail gets a copy, but for the last use nothing else needs the original.
    body:
      body instanceof ArrayBuffer && mail.recipients.length > lot.recipients.length ? body.slice(0) : body,
  });
  session.notify(...notice);
}
