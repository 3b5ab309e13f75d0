import type Database from "better-sqlite3";
import type { DsnRecipient, DsnRequest } from "../../../mail/dsn.ts";
import type { Authentication } from "../../../ports/authentication.ts";
import type { ClaimRequest, ClaimedRecipient } from "../../../ports/queue.ts";
import type { Logger } from "../../../runtime/log.ts";
import type { Batch } from "./batch.ts";
import type { Bodies } from "./bodies.ts";
import type { Sessions, WorkSession } from "./sessions.ts";
import type { WireBody, WireClaim } from "./wire.ts";

/** Most mails and bytes of bodies that one claim takes; the caller comes again for more. */
const MAX_MAILS = 1000;
const MAX_BYTES = 8 * 1024 * 1024;

interface MessageRow {
  id: string;
  sender: string;
  accepted_at: number;
  size: number;
  client_ip: string;
  client_name: string | null;
  client_helo: string;
  client_tls: string | null;
  client_port: number | null;
  server_ip: string | null;
  top_fields: string;
  smtp_utf8: number;
  eight_bit: number;
  dsn_ret: "FULL" | "HDRS" | null;
  dsn_envid: string | null;
  authentication: string | null;
  spool: string | null;
}

type MarkedRow = Pick<ClaimedRecipient, "n" | "address" | "attempts" | "unconfirmed"> & DsnColumns;

/** Marks recipients as being in a conversation, and gathers what that conversation needs. */
export class Claiming {
  readonly #bodies: Bodies;
  readonly #sessions: Sessions;
  readonly #log: Logger;
  readonly #due: Database.Statement<[string, number], number>;
  readonly #named: Database.Statement<[string, string, number], number>;
  readonly #mark: Database.Statement<unknown[], MarkedRow>;
  readonly #message: Database.Statement<[number], MessageRow>;
  readonly #quarantine: Database.Statement<[number, number, number]>;

  constructor(database: Database.Database, parts: { bodies: Bodies; sessions: Sessions; log: Logger }) {
    this.#bodies = parts.bodies;
    this.#sessions = parts.sessions;
    this.#log = parts.log;
    this.#due = database
      .prepare<[string, number], number>(
        `SELECT mail FROM recipient INDEXED BY recipient_due
         WHERE domain = ? AND due_at <= ? AND state IN ('waiting', 'unconfirmed') ORDER BY due_at, mail, n`,
      )
      .pluck();
    this.#named = database
      .prepare<[string, string, number], number>(
        `SELECT DISTINCT r.mail FROM message m CROSS JOIN recipient r ON r.mail = m.key
         WHERE m.id = ? AND +r.domain = ? AND +r.due_at <= ? AND +r.state IN ('waiting', 'unconfirmed')`,
      )
      .pluck();
    // The plus signs keep it on the primary key: all recipients of one mail lie together.
    this.#mark = database.prepare(
      `UPDATE recipient SET state = 'claimed', token = ?, updated_at = ?
       WHERE mail = ? AND +domain = ? AND +due_at <= ? AND +state IN ('waiting', 'unconfirmed')
       RETURNING n, address, attempts, unconfirmed, notify, orcpt`,
    );
    this.#message = database.prepare(
      `SELECT id, sender, accepted_at, size, client_ip, client_name, client_helo, client_tls, client_port, server_ip, top_fields, smtp_utf8,
         eight_bit, authentication, dsn_ret, dsn_envid, spool FROM message WHERE key = ?`,
    );
    this.#quarantine = database.prepare(
      `UPDATE recipient SET state = 'held', reason = 'quarantine', token = NULL, updated_at = ?
       WHERE mail = ? AND token = ?`,
    );
  }

  claim(request: ClaimRequest, session: WorkSession, batch: Batch): readonly WireClaim[] {
    const claims: WireClaim[] = [];
    let bytes = 0;
    for (const mail of this.#dueMails(request)) {
      const claim = this.#claimMail(mail, request);
      if (claim === undefined) continue;
      claims.push(claim);
      batch.onCommit(() => session.claimed(claim.token, claim.recipients.length));
      if (claim.body instanceof ArrayBuffer) bytes += claim.size;
      if (bytes >= MAX_BYTES) break;
    }
    return claims;
  }

  /** Keys of the mails with the oldest due recipients, each once. */
  #dueMails({ domain, now, limit, id }: ClaimRequest): Iterable<number> {
    if (id !== undefined) return this.#named.all(id, domain, now);
    const most = Math.min(limit, MAX_MAILS);
    const mails = new Set<number>();
    if (most <= 0) return mails;
    for (const mail of this.#due.iterate(domain, now)) {
      mails.add(mail);
      if (mails.size >= most) break;
    }
    return mails;
  }

  #claimMail(mail: number, { domain, now }: ClaimRequest): WireClaim | undefined {
    const token = this.#sessions.nextToken();
    const recipients = this.#mark.all(token, now, mail, domain, now).map(recipientOf);
    const message = this.#message.get(mail);
    const body = message === undefined ? undefined : this.#bodies.load(mail, message.spool);
    if (message === undefined || body === undefined) {
      this.#quarantine.run(now, mail, token);
      this.#log.error("a stored mail has lost its body and is held", { mail, id: message?.id, domain });
      return undefined;
    }
    recipients.sort((a, b) => a.n - b.n);
    return { token, domain, recipients, body, ...factsOf(message) };
  }
}

function factsOf(row: MessageRow): Omit<WireClaim, "token" | "domain" | "recipients" | "body"> {
  return {
    id: row.id,
    sender: row.sender,
    acceptedAt: row.accepted_at,
    client: clientOf(row),
    topFields: row.top_fields,
    smtpUtf8: row.smtp_utf8 === 1,
    eightBit: row.eight_bit === 1,
    ...requestOf(row),
    ...authenticationOf(row),
    size: row.size,
  };
}

interface DsnColumns {
  notify: string | null;
  orcpt: string | null;
}

function recipientOf({ notify, orcpt, ...row }: MarkedRow): ClaimedRecipient {
  return { ...row, ...wishOf({ notify, orcpt }) };
}

/** What the sender asked for one recipient. */
export function wishOf({ notify, orcpt }: DsnColumns): DsnRecipient {
  return { ...(notify !== null && { notify }), ...(orcpt !== null && { orcpt }) };
}

/** What the sender asked for the mail. */
export function requestOf({ dsn_ret: ret, dsn_envid: envid }: Pick<MessageRow, "dsn_ret" | "dsn_envid">): {
  readonly dsn?: DsnRequest;
} {
  if (ret === null && envid === null) return {};
  return { dsn: { ...(ret !== null && { ret }), ...(envid !== null && { envid }) } };
}

type ClientColumns = Pick<MessageRow, "client_ip" | "client_name" | "client_helo" | "client_tls"> &
  Partial<Pick<MessageRow, "client_port" | "server_ip">>;

export function clientOf(row: ClientColumns): WireClaim["client"] {
  return {
    ip: row.client_ip,
    helo: row.client_helo,
    ...(row.client_name !== null && { name: row.client_name }),
    ...(row.client_tls !== null && { tls: row.client_tls }),
    ...(typeof row.client_port === "number" && { port: row.client_port }),
    ...(typeof row.server_ip === "string" && { server: row.server_ip }),
  };
}

/** What was found at receipt, as the store keeps it. */
export function authenticationOf(row: { readonly authentication: string | null }): {
  readonly authentication?: Authentication;
} {
  return row.authentication === null
    ? {}
    : { authentication: JSON.parse(row.authentication) as Authentication };
}

/** The buffers that move with claims. */
export function buffersOf(claims: readonly { readonly body?: WireBody }[]): ArrayBuffer[] {
  return claims.map(({ body }) => body).filter((body) => body instanceof ArrayBuffer);
}
