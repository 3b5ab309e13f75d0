/** A recipient as lists and `queue show` present it: the columns that are read, and how they are converted. */
import { domainOfKey, placeOfKey } from "../../../../mail/delivery-key.ts";
import type { DsnKind, Told } from "../../../../ports/dsn.ts";
import type { QueueEntry } from "../../../../ports/operator.ts";
import type { Reason, RecipientState } from "../../../../ports/recipient-state.ts";
import { wishOf } from "../wire/mail-columns.ts";

/** Columns of `recipient` r and its `message` m. */
export const COLUMNS = `r.mail, r.n, r.address, r.domain, r.state, r.reason, r.due_at, r.attempts, r.unconfirmed,
  r.last_reply, r.destination, r.who, r.since, r.updated_at, r.notify, r.orcpt, r.owed, r.told, r.hash,
  m.id, m.sender, m.accepted_at, m.size, m.quarantine, m.subject`;

export interface RecipientRow {
  readonly mail: number;
  readonly n: number;
  readonly address: string;
  readonly domain: string;
  readonly state: RecipientState;
  readonly reason: Reason | null;
  readonly due_at: number;
  readonly attempts: number;
  readonly unconfirmed: number;
  readonly last_reply: string | null;
  readonly destination: string | null;
  readonly who: string | null;
  readonly since: number;
  readonly updated_at: number;
  readonly notify: string | null;
  readonly orcpt: string | null;
  readonly owed: DsnKind | null;
  readonly told: string | null;
  readonly hash: string | null;
  readonly id: string;
  readonly sender: string;
  readonly accepted_at: number;
  readonly size: number;
  readonly quarantine: string | null;
  readonly subject: string | null;
}

export function entryOf(row: RecipientRow): QueueEntry {
  const route = placeOfKey(row.domain);
  const waits = row.state === "waiting" || row.state === "unconfirmed";
  return {
    id: row.id,
    n: row.n,
    recipient: row.address,
    domain: domainOfKey(row.domain),
    ...(route !== undefined && { route }),
    sender: row.sender,
    state: row.state,
    ...(row.reason !== null && { reason: row.reason }),
    acceptedAt: row.accepted_at,
    updatedAt: row.updated_at,
    ...(waits && { dueAt: row.due_at }),
    attempts: row.attempts,
    unconfirmed: row.unconfirmed,
    ...(row.last_reply !== null && { lastReply: row.last_reply }),
    ...(row.destination !== null && { destination: row.destination }),
    ...(row.who !== null && { who: row.who }),
    size: row.size,
    ...(row.hash !== null && { hash: row.hash }),
    ...wishOf(row),
    ...(row.owed !== null && { owed: row.owed }),
    ...(row.told !== null && { told: JSON.parse(row.told) as Told }),
    ...(row.quarantine !== null && { quarantine: row.quarantine }),
    ...(row.subject !== null && { subject: row.subject }),
  };
}
