import type Database from "better-sqlite3";
import { domainOfKey } from "../../../../mail/delivery-key.ts";
import {
  DSN_DOMAIN,
  type DelayAnswer,
  type DelayPlace,
  type DelayRequest,
  type OwedRecipient,
  type DsnKind,
} from "../../../../ports/dsn.ts";
import type { Reason } from "../../../../ports/recipient-state.ts";
import type { Accepting } from "./accepting.ts";
import type { Batch } from "../commit/batch.ts";
import type { Bodies } from "../bodies/bodies.ts";
import { PAGE, START } from "./pages.ts";
import { type MailColumns, mailOf, wishOf } from "../wire/mail-columns.ts";
import type { WireOwed, WireTold } from "../wire/wire.ts";

const DAY = 86_400_000;
/** Bytes of bodies after which an answer ends. */
const MAX_BYTES = 8 * 1024 * 1024;
/** Rows of waiting mail that one step examines. */
const STEP = 100;

interface MessageRow extends MailColumns {
  readonly smtp_utf8: number;
}

interface RecipientRow {
  readonly n: number;
  readonly address: string;
  readonly domain: string;
  readonly owed: DsnKind;
  readonly notify: string | null;
  readonly orcpt: string | null;
  readonly last_reply: string | null;
  readonly destination: string | null;
  readonly unconfirmed: number;
  readonly reason: Reason | null;
  readonly since: number;
}

/** Finds the notices that are owed to senders, and records that they were written. */
export class Notifying {
  readonly #bodies: Bodies;
  readonly #accepting: Accepting;
  readonly #next: Database.Statement<[number], number>;
  readonly #message: Database.Statement<[number], MessageRow>;
  readonly #recipients: Database.Statement<[number], RecipientRow>;
  readonly #count: Database.Statement<[string, number, number], number>;
  readonly #key: Database.Statement<[string], number>;
  readonly #close: Database.Statement<[string, number, number, DsnKind]>;
  readonly #countOne: Database.Statement<[string, number]>;
  readonly #waiting: Database.Statement<unknown[], DelayPlace>;
  readonly #delay: Database.Statement<unknown[]>;

  constructor(database: Database.Database, parts: { bodies: Bodies; accepting: Accepting }) {
    this.#bodies = parts.bodies;
    this.#accepting = parts.accepting;
    this.#next = database
      .prepare<[number], number>(
        `SELECT mail FROM recipient INDEXED BY recipient_owed WHERE owed IS NOT NULL AND mail > ?
         ORDER BY mail LIMIT 1`,
      )
      .pluck();
    this.#message = database.prepare("SELECT * FROM message WHERE key = ?");
    this.#recipients = database.prepare(
      `SELECT n, address, domain, owed, notify, orcpt, last_reply, destination, unconfirmed, reason, since
       FROM recipient INDEXED BY recipient_owed WHERE mail = ? AND owed IS NOT NULL ORDER BY n`,
    );
    this.#count = database
      .prepare<[string, number, number], number>(
        "SELECT count FROM noticed WHERE address = lower(?) AND since > ? AND since <= ?",
      )
      .pluck();
    this.#key = database.prepare<[string], number>("SELECT key FROM message WHERE id = ?").pluck();
    // Another kind may be owed by now: a notice of a delay must not close the debt of a refusal.
    this.#close = database.prepare(
      `UPDATE recipient SET owed = NULL, told = ?
       WHERE mail = ? AND n = ? AND iif(owed = 'expired', 'failed', owed) = ?`,
    );
    // A day that begins in the future was recorded while the clock was wrong, and counts as over.
    const lasts = `since > excluded.since - ${DAY} AND since <= excluded.since`;
    this.#countOne = database.prepare(
      `INSERT INTO noticed (address, since, count) VALUES (lower(?), ?, 1)
       ON CONFLICT (address) DO UPDATE SET
         count = iif(${lasts}, count + 1, 1), since = iif(${lasts}, since, excluded.since)`,
    );
    this.#waiting = database
      .prepare<unknown[], DelayPlace>(
        `SELECT since, mail, n FROM recipient INDEXED BY recipient_age
         WHERE state = 'waiting' AND since < ? ${PAGE} ${STEP}`,
      )
      .raw();
    this.#delay = database.prepare(
      `UPDATE recipient SET owed = 'delayed' WHERE mail = ? AND n = ? AND told IS NULL AND owed IS NULL
         AND domain <> '${DSN_DOMAIN}'`,
    );
  }

  owed({ limit, now }: { readonly limit: number; readonly now: number }): readonly WireOwed[] {
    const found: WireOwed[] = [];
    let bytes = 0;
    for (let key = this.#next.get(-1); key !== undefined; key = this.#next.get(key)) {
      const message = this.#message.get(key);
      if (message === undefined) continue;
      const body = this.#bodies.load(key, message.spool);
      if (body instanceof ArrayBuffer) bytes += body.byteLength;
      found.push({
        ...mailOf(message),
        smtpUtf8: message.smtp_utf8 === 1,
        crc: message.crc,
        recipients: this.#recipients.all(key).map(owedRecipient),
        noticesToSender: this.#count.get(message.sender, now - DAY, now) ?? 0,
        ...(body !== undefined && { body }),
      });
      if (found.length >= limit || bytes >= MAX_BYTES) break;
    }
    return found;
  }

  told({ id, recipients, told, notice }: WireTold, batch: Batch): boolean {
    const key = this.#key.get(id);
    if (key === undefined) return false;
    const text = JSON.stringify(told);
    const kind = told.kind === "expired" ? "failed" : told.kind;
    const closed = recipients.filter((n) => this.#close.run(text, key, n, kind).changes > 0);
    if (closed.length === 0) return false;
    if (notice !== undefined) {
      const { mail, body } = notice;
      this.#accepting.store({ mail, body: new Uint8Array(body) }, batch);
      const [[, , acceptedAt], , receivers] = mail;
      for (const [address] of receivers) this.#countOne.run(address, acceptedAt);
    }
    this.#bodies.releaseUnneeded(key, batch);
    return true;
  }

  *delayed({ before, after, limit }: DelayRequest): Generator<void, DelayAnswer> {
    let place: DelayPlace = after ?? START;
    for (let looked = 0; looked < limit; looked += STEP) {
      const rows = this.#waiting.all(before, ...place);
      for (const [, mail, n] of rows) this.#delay.run(mail, n);
      place = rows.at(-1) ?? place;
      if (rows.length < STEP) return { place, more: false };
      yield;
    }
    return { place, more: true };
  }
}

function owedRecipient(row: RecipientRow): OwedRecipient {
  return {
    n: row.n,
    address: row.address,
    domain: domainOfKey(row.domain),
    kind: row.owed,
    ...wishOf(row),
    ...(row.last_reply !== null && { lastReply: row.last_reply }),
    ...(row.destination !== null && { destination: row.destination }),
    ...(row.unconfirmed > 0 && { unconfirmed: true }),
    ...(row.owed === "expired" && row.reason === "operator" && { byOperator: true }),
    // Not `updated_at`, which may be when an operator requested the notice.
    at: row.since,
  };
}
