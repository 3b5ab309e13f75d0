/** What operators and time do to the mail of the model. */
import { domainOfKey, placeOfKey, reroutedKey } from "../../../src/mail/delivery-key.ts";
import type { DelayRequest, ToldRequest } from "../../../src/ports/dsn.ts";
import type { MailFilter, OperatorRequest, OperatorVerb } from "../../../src/ports/operator.ts";
import type { RecipientState } from "../../../src/ports/recipient-state.ts";
import type { Expired, ExpireSlice, UnholdRequest } from "../../../src/ports/work-store.ts";
import {
  type Claimable,
  isNotice,
  type ModelRecipient,
  type QueueModel,
  type Row,
  waits,
} from "./queue-model.ts";

const DAY = 86_400_000;

const FROM: Readonly<Record<OperatorVerb, readonly RecipientState[]>> = {
  hold: ["waiting", "unconfirmed"],
  flush: ["waiting", "unconfirmed"],
  release: ["held", "parked"],
  bounce: ["waiting", "unconfirmed", "held", "parked"],
  reroute: ["waiting", "unconfirmed", "held", "parked"],
  delete: ["waiting", "unconfirmed", "held", "parked"],
};

/** Answers how many recipients moved. */
export function operate(model: QueueModel, request: OperatorRequest): number {
  const { verb, filter } = request;
  const rows = model.rows((row) => FROM[verb].includes(row.recipient.state) && matches(row, filter));
  return rows.filter(({ recipient }) => act(model, recipient, request)).length;
}

export function matches({ mail, recipient }: Row, filter: MailFilter): boolean {
  const { id, domain, state, reason, sender, recipient: address } = filter;
  return (
    (id === undefined || mail.mail.id === id) &&
    (domain === undefined || domainOfKey(recipient.key) === domain) &&
    (state === undefined || recipient.state === state) &&
    (reason === undefined || recipient.reason === reason) &&
    (sender === undefined || mail.mail.sender.toLowerCase() === sender.toLowerCase()) &&
    (address === undefined || recipient.address.toLowerCase() === address.toLowerCase())
  );
}

/** False where there is nothing to do. */
function act(model: QueueModel, recipient: ModelRecipient, request: OperatorRequest): boolean {
  const { verb, who, now } = request;
  if (verb === "bounce") return bounce(recipient, request);
  if (verb === "reroute") return reroute(model, recipient, request);
  if (verb === "flush") makeDue(model, recipient, now);
  else if (verb === "release") release(model, recipient, request);
  else if (verb === "hold") Object.assign(recipient, { state: "held", reason: "operator", who });
  else end(recipient, request);
  recipient.updatedAt = now;
  return true;
}

function end(recipient: ModelRecipient, { who, now }: OperatorRequest): void {
  Object.assign(recipient, { state: "gone", reason: "deleted", who, owed: undefined });
  recipient.since = Math.max(recipient.since, now);
}

function release(model: QueueModel, recipient: ModelRecipient, { who, now }: OperatorRequest): void {
  Object.assign(recipient, { state: "waiting", reason: undefined, who, owed: undefined });
  recipient.since = Math.max(recipient.since, now);
  makeDue(model, recipient, now);
}

function makeDue(model: QueueModel, recipient: ModelRecipient, now: number): void {
  recipient.dueAt = now;
  recipient.updatedAt = now;
  model.addWork(recipient.key);
}

function bounce(recipient: ModelRecipient, { who, now }: OperatorRequest): boolean {
  const { state, told, reason } = recipient;
  if (isNotice(recipient)) return false;
  if (state === "parked") {
    if (told?.notice !== undefined && told.kind !== "delayed") return false;
    recipient.owed = reason === "expired" || reason === "operator" ? "expired" : "failed";
  } else {
    Object.assign(recipient, { state: "parked", reason: "operator", owed: "expired" });
    recipient.since = Math.max(recipient.since, now);
  }
  recipient.who = who;
  recipient.updatedAt = now;
  return true;
}

function reroute(model: QueueModel, recipient: ModelRecipient, request: OperatorRequest): boolean {
  const { to, now } = request;
  const { key } = recipient;
  if (to !== undefined && (isNotice(recipient) || (waits(recipient) && placeOfKey(key) === to))) return false;
  const own = domainOfKey(key);
  recipient.key = to === undefined ? own : reroutedKey(own, to);
  if (waits(recipient)) makeDue(model, recipient, now);
  else release(model, recipient, request);
  return true;
}

/** Answers how many by key. */
export function unhold(model: QueueModel, { domain, limit, now }: UnholdRequest): Map<string, number> {
  const rows = model.rows(
    ({ recipient: { state, reason, key } }) =>
      state === "held" && reason === "probation" && (domain === undefined || key === domain),
  );
  const released = new Map<string, number>();
  for (const { recipient } of rows.slice(0, limit)) {
    Object.assign(recipient, { state: "waiting", reason: undefined });
    makeDue(model, recipient, now);
    released.set(recipient.key, (released.get(recipient.key) ?? 0) + 1);
  }
  return released;
}

export function wake(model: QueueModel, keys: readonly string[], now: number): void {
  for (const { recipient } of model.rows())
    if (waits(recipient) && keys.includes(recipient.key) && recipient.dueAt > now)
      makeDue(model, recipient, now);
}

/** What became too old, but for what is remembered of addresses. */
export function expire(model: QueueModel, slice: ExpireSlice): Expired {
  const { now, limit, parkedBefore, contentBefore = parkedBefore } = slice;
  let left = limit;
  const some = (which: (recipient: ModelRecipient) => boolean, before: number): readonly Row[] => {
    const rows = model.rows(({ recipient }) => which(recipient) && recipient.since < before);
    const taken = rows.slice(0, left);
    left -= taken.length;
    return taken;
  };
  const gone = some(({ state }) => state === "gone", slice.goneBefore);
  for (const { mail, recipient } of gone) forget(model, mail, recipient);
  const ended = (rows: readonly Row[]): number => {
    for (const { recipient } of rows) expireAs(recipient, "gone", now);
    return rows.length;
  };
  const deleted =
    ended(some(({ state }) => state === "parked", parkedBefore)) +
    ended(some(({ state, reason }) => state === "parked" && reason === "content", contentBefore)) +
    ended(some(({ state, reason }) => state === "held" && reason === "quarantine", slice.quarantinedBefore));
  const givenUp = [
    ...some(({ state }) => state === "unconfirmed", slice.waitingBefore),
    ...some(({ state }) => state === "waiting", slice.waitingBefore),
  ];
  for (const { recipient } of givenUp) expireAs(recipient, isNotice(recipient) ? "gone" : "parked", now);
  return {
    givenUp: givenUp.length,
    deleted,
    forgotten: gone.length + forgetNotices(model, now, left),
  };
}

function expireAs(recipient: ModelRecipient, state: "gone" | "parked", now: number): void {
  const owed = state === "parked" ? "expired" : undefined;
  Object.assign(recipient, { state, reason: "expired", owed, since: now, updatedAt: now });
}

function forget(model: QueueModel, mail: Row["mail"], recipient: ModelRecipient): void {
  mail.recipients = mail.recipients.filter((other) => other !== recipient);
  if (mail.recipients.length === 0) model.mails = model.mails.filter((other) => other !== mail);
}

function forgetNotices({ noticed }: QueueModel, now: number, most: number): number {
  const over = [...noticed].filter(([, { since }]) => since < now - DAY || since > now).slice(0, most);
  for (const [address] of over) noticed.delete(address);
  return over.length;
}

/** Undefined: nothing of that kind is owed. Else what credits claim of the notice. */
export function tell(model: QueueModel, request: ToldRequest): readonly Claimable[] | undefined {
  const { id, recipients, told, notice } = request;
  const closed = (model.find(id)?.recipients ?? []).filter(
    ({ n, owed }) => recipients.includes(n) && owed !== undefined && failure(owed) === failure(told.kind),
  );
  for (const recipient of closed) Object.assign(recipient, { owed: undefined, told });
  if (closed.length === 0) return undefined;
  if (notice === undefined) return [];
  for (const { address } of notice.mail.recipients)
    countNotice(model, address.toLowerCase(), notice.mail.acceptedAt);
  return model.store(notice.mail, notice.body);
}

/** Whether it was refused or too old, its sender hears of a failure. */
function failure(kind: string): string {
  return kind === "expired" ? "failed" : kind;
}

function countNotice({ noticed }: QueueModel, address: string, at: number): void {
  const known = noticed.get(address);
  const goes = known !== undefined && known.since > at - DAY && known.since <= at;
  noticed.set(address, goes ? { since: known.since, count: known.count + 1 } : { since: at, count: 1 });
}

/** Notes that word of a delay is owed. */
export function delay(model: QueueModel, { before }: Pick<DelayRequest, "before">): void {
  for (const { recipient } of model.rows()) {
    const { state, since, told, owed } = recipient;
    const isDue = state === "waiting" && since < before && told === undefined && owed === undefined;
    if (isDue && !isNotice(recipient)) recipient.owed = "delayed";
  }
}
