/**
 * The format in which mail is passed between threads: rows of the database, with values in the order of the columns
 * below. An SMTP thread packs exactly the values of the INSERT, and the delivery thread unpacks exactly the values of
 * the SELECT, so that the storage thread between them need not build objects.
 */
import type { Outcome } from "../../../../mail/outcome.ts";
import { formatReply } from "../../../../mail/reply.ts";
import type { DsnKind } from "../../../../ports/dsn.ts";
import type { NewMail, NewRecipient } from "../../../../ports/intake.ts";
import type { Reason, RecipientState } from "../../../../ports/recipient-state.ts";
import type {
  ClaimedMail,
  ClaimedRecipient,
  SettleRequest,
  Settlement,
} from "../../../../ports/work-store.ts";
import { authenticationOf, clientOf, requestOf, traitBits, wishOf } from "./mail-columns.ts";

/** Columns of `message` that a delivery needs. */
export const FACTS =
  "id, sender, accepted_at, size, spool, client_ip, client_name, client_helo, client_tls, client_port, server_ip, " +
  "top_fields, smtp_utf8, eight_bit, dsn_ret, dsn_envid, authentication";

export type FactsRow = readonly [
  id: string,
  sender: string,
  acceptedAt: number,
  size: number,
  /** Place of the body in the spool; null if it is a row. */
  spool: string | null,
  ip: string,
  name: string | null,
  helo: string,
  tls: string | null,
  port: number | null,
  server: string | null,
  topFields: string,
  smtpUtf8: number,
  eightBit: number,
  ret: "FULL" | "HDRS" | null,
  envid: string | null,
  authentication: string | null,
];

/** Columns of `message` that only people and DSNs need. */
export const RECORD = "quarantine, crc, message_id, subject, from_field, traits";

export type RecordRow = readonly [
  quarantine: string | null,
  /** CRC-32 of the body. */
  crc: number,
  messageId: string | null,
  subject: string | null,
  from: string | null,
  traits: number,
];

/** Values of a new `recipient`. */
export type NewRecipientRow = readonly [
  address: string,
  domain: string,
  notify: string | null,
  orcpt: string | null,
];

/** Columns of `recipient` that the next attempt needs. */
export const CLAIMED = "n, address, notify, orcpt, attempts, unconfirmed";

export type ClaimedRow = readonly [
  n: number,
  address: string,
  notify: string | null,
  orcpt: string | null,
  attempts: number,
  unconfirmed: number,
];

/** Values of the UPDATE of a `recipient` after an attempt. */
export type SettledRow = readonly [
  state: RecipientState,
  reason: Reason | null,
  /** Null in this value and the next three leaves the column unchanged. */
  dueAt: number | null,
  since: number | null,
  /** Empty means that nothing is owed any more. */
  owed: DsnKind | "" | null,
  words: string | null,
  /** SHA-256 of the delivered body. */
  hash: string | null,
  /** This value and the next are added to the columns. */
  attempts: number,
  unconfirmed: number,
  n: number,
];

/** How the body of a new mail is stored. */
export interface StoredAs {
  /** In bytes. */
  readonly size: number;
  /** Its place in the spool; null if it is to be a row. */
  readonly spool: string | null;
  /** CRC-32. */
  readonly crc: number;
}

/** Longest reply text of a primary that is stored, in characters. */
const MAX_WORDS = 1100;

export function settledRow(settlement: Settlement, { now, hash }: SettleRequest): SettledRow {
  const { n, outcome, state, reason, dueAt, owes } = settlement;
  const released = outcome.kind === "released";
  return [
    state,
    reason ?? (outcome.kind === "delivered" ? "delivered" : null),
    dueAt ?? (released ? null : now),
    state === "parked" || state === "gone" ? now : null,
    // Nobody hears that his mail still waits once it does not.
    owes ?? (state === "gone" ? "" : null),
    wordsOf(outcome),
    outcome.kind === "delivered" ? (hash ?? null) : null,
    released ? 0 : 1,
    outcome.kind === "unconfirmed" ? 1 : 0,
    n,
  ];
}

function wordsOf(outcome: Outcome): string | null {
  if (outcome.kind === "released") return null;
  if ("why" in outcome) return outcome.why.slice(0, MAX_WORDS);
  // Words with a code are taken for a server's: a notice quotes them as such.
  const ours = outcome.kind === "deferred" && outcome.ours === true;
  return (ours ? outcome.reply.text : formatReply(outcome.reply)).slice(0, MAX_WORDS);
}

export function factsRow(mail: NewMail, { size, spool }: StoredAs): FactsRow {
  const { client, dsn, authentication } = mail;
  return [
    mail.id,
    mail.sender,
    mail.acceptedAt,
    size,
    spool,
    client.ip,
    client.name ?? null,
    client.helo,
    client.tls ?? null,
    client.port ?? null,
    client.server ?? null,
    mail.topFields,
    mail.smtpUtf8 ? 1 : 0,
    mail.eightBit ? 1 : 0,
    dsn?.ret ?? null,
    dsn?.envid ?? null,
    authentication === undefined ? null : JSON.stringify(authentication),
  ];
}

export function recordRow(mail: NewMail, { crc }: StoredAs): RecordRow {
  const { quarantine, messageId, subject, from, traits } = mail;
  return [
    quarantine ?? null,
    crc,
    messageId ?? null,
    subject ?? null,
    from ?? null,
    traits === undefined ? 0 : traitBits(traits),
  ];
}

export function newRecipientRow({ address, domain, notify, orcpt }: NewRecipient): NewRecipientRow {
  return [address, domain, notify ?? null, orcpt ?? null];
}

export function factsOf(row: FactsRow): Omit<ClaimedMail, "token" | "domain" | "recipients" | "body"> {
  const [
    id,
    sender,
    acceptedAt,
    size,
    ,
    client_ip,
    client_name,
    client_helo,
    client_tls,
    client_port,
    server_ip,
    topFields,
    smtpUtf8,
    eightBit,
    dsn_ret,
    dsn_envid,
    authentication,
  ] = row;
  return {
    id,
    sender,
    acceptedAt,
    client: clientOf({ client_ip, client_name, client_helo, client_tls, client_port, server_ip }),
    topFields,
    smtpUtf8: smtpUtf8 === 1,
    eightBit: eightBit === 1,
    ...requestOf({ dsn_ret, dsn_envid }),
    ...authenticationOf({ authentication }),
    size,
  };
}

/** Returns the place of the body in the spool; null if it is a row. */
export function spoolOf(facts: FactsRow): string | null {
  return facts[4];
}

export function claimedRecipient(row: ClaimedRow): ClaimedRecipient {
  const [n, address, notify, orcpt, attempts, unconfirmed] = row;
  return { n, address, attempts, unconfirmed, ...wishOf({ notify, orcpt }) };
}
