/**
 * What the store must hold, in the plainest words: mails in the order in which they came, each with its recipients.
 * Nothing here is fast, durable or shared; what the ports promise is all there is.
 */
import type { DsnRecipient } from "../../../src/mail/dsn.ts";
import { domainOfKey } from "../../../src/mail/delivery-key.ts";
import type { Outcome } from "../../../src/mail/outcome.ts";
import { formatReply } from "../../../src/mail/reply.ts";
import { DSN_DOMAIN, type DsnKind, type Told } from "../../../src/ports/dsn.ts";
import type { NewMail } from "../../../src/ports/intake.ts";
import type { Reason, RecipientState } from "../../../src/ports/recipient-state.ts";
import type { ClaimRequest, Settlement, SettleRequest } from "../../../src/ports/work-store.ts";

export interface ModelRecipient extends DsnRecipient {
  readonly n: number;
  readonly address: string;
  /** Under which it is handed over: its domain, or the domain and where it was rerouted to. */
  key: string;
  state: RecipientState;
  reason: Reason | undefined;
  dueAt: number;
  attempts: number;
  unconfirmed: number;
  token: number | undefined;
  lastReply: string | undefined;
  destination: string | undefined;
  who: string | undefined;
  /** From when its retention counts. */
  since: number;
  updatedAt: number;
  owed: DsnKind | undefined;
  told: Told | undefined;
  hash: string | undefined;
}

export interface ModelMail {
  /** Mails that came before have a lower one. */
  readonly order: number;
  readonly mail: NewMail;
  readonly body: Buffer;
  recipients: ModelRecipient[];
}

export interface Row {
  readonly mail: ModelMail;
  readonly recipient: ModelRecipient;
}

/** Recipients of one mail that were claimed under one key. */
export interface Claimable {
  readonly mail: ModelMail;
  readonly key: string;
  readonly recipients: readonly ModelRecipient[];
}

/** How long mail waits that was in conversation when its thread died, in ms. */
const WAIT_AFTER_DEATH = 5000;

export class QueueModel {
  mails: ModelMail[] = [];
  /** Claims that were given ahead, by domain. */
  credits = new Map<string, number>();
  /** Recipients that became due at once, by key, since this was last emptied. */
  readonly work = new Map<string, number>();
  /** Notices to one address: since when they are counted, and how many. */
  readonly noticed = new Map<string, { since: number; count: number }>();
  #order = 0;

  find(id: string): ModelMail | undefined {
    return this.mails.find(({ mail }) => mail.id === id);
  }

  /** All recipients that `which` picks, longest in their state first. */
  rows(which: (row: Row) => boolean = () => true): Row[] {
    return this.mails
      .flatMap((mail) => mail.recipients.map((recipient) => ({ mail, recipient })))
      .filter(which)
      .toSorted(byAge);
  }

  addWork(key: string): void {
    this.work.set(key, (this.work.get(key) ?? 0) + 1);
  }

  /** Stores a mail that is not there yet; answers what credits claim of it. */
  store(mail: NewMail, body: Buffer): readonly Claimable[] {
    this.#order += 1;
    const recipients = mail.recipients.map((recipient, n) => newRecipient(recipient, n, mail));
    const stored = { order: this.#order, mail, body, recipients };
    this.mails.push(stored);
    if (mail.quarantine !== undefined) return [];
    return [...Map.groupBy(recipients, ({ key }) => key)].flatMap(([key, of]) => {
      if (this.#takeCredit(key)) return [{ mail: stored, key, recipients: of }];
      for (const { key: work } of of) this.addWork(work);
      return [];
    });
  }

  /** What a claim takes, mail by mail in this order. */
  claimable({ domain, id, limit, now }: ClaimRequest): readonly Claimable[] {
    const due = this.due(domain, now).filter(({ mail }) => id === undefined || mail.mail.id === id);
    const claims = [...Map.groupBy(due, ({ mail }) => mail)].map(([mail, rows]) => ({
      mail,
      key: domain,
      recipients: rows.map(({ recipient }) => recipient).toSorted((a, b) => a.n - b.n),
    }));
    return id === undefined ? claims.slice(0, Math.max(0, limit)) : claims;
  }

  /** What is due under a key, the longest due first. */
  due(key: string, now: number): Row[] {
    return this.rows(({ recipient }) => recipient.key === key && waits(recipient) && recipient.dueAt <= now)
      .toSorted((a, b) => a.mail.order - b.mail.order || a.recipient.n - b.recipient.n)
      .toSorted((a, b) => a.recipient.dueAt - b.recipient.dueAt);
  }

  mark({ recipients }: Pick<Claimable, "recipients">, token: number, now: number): void {
    for (const recipient of recipients) {
      recipient.state = "claimed";
      recipient.token = token;
      recipient.updatedAt = now;
    }
  }

  /** False: not all of these are held by this token, and nothing was written. */
  settle(request: SettleRequest): boolean {
    const open = (this.find(request.id)?.recipients ?? []).filter(({ token }) => token === request.token);
    const named = request.recipients.map(({ n }) => open.find((recipient) => recipient.n === n));
    if (named.includes(undefined) || new Set(named).size < named.length) return false;
    for (const [i, settlement] of request.recipients.entries())
      close(named[i] as ModelRecipient, settlement, request);
    return true;
  }

  /** Whoever held these claims is dead. */
  abandon(now: number): number {
    const lost = this.rows(({ recipient }) => recipient.state === "claimed");
    for (const { recipient } of lost) {
      recipient.state = "unconfirmed";
      recipient.reason = undefined;
      recipient.unconfirmed += 1;
      recipient.token = undefined;
      recipient.dueAt = now + WAIT_AFTER_DEATH;
      recipient.updatedAt = now;
    }
    this.credits.clear();
    return lost.length;
  }

  #takeCredit(key: string): boolean {
    const credits = this.credits.get(key) ?? 0;
    if (credits > 0) this.credits.set(key, credits - 1);
    return credits > 0;
  }
}

/** It waits for an attempt. */
export function waits({ state }: Pick<ModelRecipient, "state">): boolean {
  return state === "waiting" || state === "unconfirmed";
}

/** Somebody is to get the mail yet, or to read of it. */
export function needsBody({ recipients }: ModelMail): boolean {
  return recipients.some(({ state, owed }) => state !== "gone" || owed !== undefined);
}

export function isNotice({ key }: Pick<ModelRecipient, "key">): boolean {
  return domainOfKey(key) === DSN_DOMAIN;
}

function byAge(a: Row, b: Row): number {
  return (
    a.recipient.since - b.recipient.since || a.mail.order - b.mail.order || a.recipient.n - b.recipient.n
  );
}

function newRecipient(
  { address, domain, notify, orcpt }: NewMail["recipients"][number],
  n: number,
  { acceptedAt, quarantine }: NewMail,
): ModelRecipient {
  return {
    n,
    address,
    key: domain,
    ...(notify !== undefined && { notify }),
    ...(orcpt !== undefined && { orcpt }),
    state: quarantine === undefined ? "waiting" : "held",
    reason: quarantine === undefined ? undefined : "quarantine",
    dueAt: acceptedAt,
    attempts: 0,
    unconfirmed: 0,
    token: undefined,
    lastReply: undefined,
    destination: undefined,
    who: undefined,
    since: acceptedAt,
    updatedAt: acceptedAt,
    owed: undefined,
    told: undefined,
    hash: undefined,
  };
}

function close(recipient: ModelRecipient, settlement: Settlement, request: SettleRequest): void {
  const { outcome, state, reason, dueAt, owes } = settlement;
  const { now, destination, hash } = request;
  const released = outcome.kind === "released";
  recipient.state = state;
  recipient.reason = reason ?? (outcome.kind === "delivered" ? "delivered" : undefined);
  recipient.token = undefined;
  recipient.dueAt = dueAt ?? (released ? recipient.dueAt : now);
  recipient.updatedAt = now;
  if (state === "parked" || state === "gone") recipient.since = now;
  if (!released) {
    recipient.attempts += 1;
    recipient.lastReply = wordsOf(outcome);
  }
  if (outcome.kind === "unconfirmed") recipient.unconfirmed += 1;
  if (outcome.kind === "delivered") recipient.hash = hash ?? recipient.hash;
  recipient.destination = destination ?? recipient.destination;
  // Nobody hears that his mail still waits once it does not.
  recipient.owed = owes ?? (state === "gone" ? undefined : recipient.owed);
}

function wordsOf(outcome: Exclude<Outcome, { readonly kind: "released" }>): string {
  return "why" in outcome ? outcome.why : formatReply(outcome.reply);
}
