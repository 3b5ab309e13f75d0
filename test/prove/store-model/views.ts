/** The model as the store's ports show it. */
import { crc32 } from "node:zlib";
import { domainOfKey, placeOfKey } from "../../../src/mail/delivery-key.ts";
import type { OwedMail, OwedRecipient } from "../../../src/ports/dsn.ts";
import type { Kept, MailDetail, QueueCount, QueueEntry } from "../../../src/ports/operator.ts";
import type { DomainWork, DueMail } from "../../../src/ports/work-store.ts";
import { type ModelMail, needsBody, type QueueModel, type Row, waits } from "./queue-model.ts";

const DAY = 86_400_000;

/** Without what is undefined, as the store answers. */
type Loose<T> = { [K in keyof T]: T[K] | undefined };

function defined<T extends object>(value: Loose<T>): T {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T;
}

export function entryOf({ mail: { mail, body }, recipient }: Row): QueueEntry {
  const { key, address, token: _token, dueAt, since: _since, ...rest } = recipient;
  const { id, sender, acceptedAt, quarantine, subject } = mail;
  return defined<QueueEntry>({
    ...rest,
    id,
    sender,
    acceptedAt,
    quarantine,
    subject,
    recipient: address,
    domain: domainOfKey(key),
    route: placeOfKey(key),
    dueAt: waits(recipient) ? dueAt : undefined,
    size: body.length,
  });
}

/** What all that show a mail say of it. */
function factsOf({ mail }: ModelMail) {
  const { id, sender, acceptedAt, client, topFields, messageId, dsn, authentication, traits = [] } = mail;
  return { id, sender, acceptedAt, client, topFields, messageId, dsn, authentication, traits };
}

export function detailOf(mail: ModelMail): MailDetail {
  const { subject, from, quarantine } = mail.mail;
  return defined<MailDetail>({
    ...factsOf(mail),
    subject,
    from,
    quarantine,
    size: mail.body.length,
    crc32: crc32(mail.body).toString(16).padStart(8, "0"),
    recipients: mail.recipients.map((recipient) => entryOf({ mail, recipient })),
    hasBody: needsBody(mail),
  });
}

/** Without the body, which is compared by its octets. */
export function owedOf(model: QueueModel, now: number): Omit<OwedMail, "body">[] {
  return model.mails
    .filter(({ recipients }) => recipients.some(({ owed }) => owed !== undefined))
    .map((mail) =>
      defined<Omit<OwedMail, "body">>({
        ...factsOf(mail),
        smtpUtf8: mail.mail.smtpUtf8,
        recipients: mail.recipients.flatMap((recipient) => owedRecipient({ mail, recipient })),
        noticesToSender: noticesTo(model, mail.mail.sender, now),
      }),
    );
}

function owedRecipient({ recipient }: Row): OwedRecipient[] {
  const { n, address, key, owed, notify, orcpt, lastReply, destination, since } = recipient;
  if (owed === undefined) return [];
  const unconfirmed = recipient.unconfirmed > 0 || undefined;
  const byOperator = (owed === "expired" && recipient.reason === "operator") || undefined;
  const facts = { n, address, notify, orcpt, lastReply, destination, unconfirmed, byOperator };
  return [defined<OwedRecipient>({ ...facts, domain: domainOfKey(key), kind: owed, at: since })];
}

function noticesTo({ noticed }: QueueModel, sender: string, now: number): number {
  const { since, count } = noticed.get(sender.toLowerCase()) ?? { since: Infinity, count: 0 };
  return since > now - DAY && since <= now ? count : 0;
}

/** By key. */
export function workOf(model: QueueModel): Map<string, DomainWork> {
  const groups = Map.groupBy(
    model.rows(({ recipient }) => waits(recipient)),
    ({ recipient }) => recipient.key,
  );
  const work = [...groups].map(([domain, rows]): [string, DomainWork] => {
    const dues = rows.map(({ recipient }) => recipient.dueAt);
    const [nextDue, lastDue] = [Math.min(...dues), Math.max(...dues)];
    return [domain, { domain, recipients: rows.length, nextDue, lastDue, oldest: oldestIn(rows, "state") }];
  });
  return new Map(work);
}

/** By domain and state. */
export function countsOf(model: QueueModel): Map<string, QueueCount> {
  const groups = Map.groupBy(
    model.rows(({ recipient }) => recipient.state !== "gone"),
    ({ recipient: { key, state } }) => `${domainOfKey(key)} ${state}`,
  );
  const counts = [...groups].map(([name, rows]): [string, QueueCount] => {
    const [{ recipient }] = rows as [Row];
    const { state, key } = recipient;
    const count = { domain: domainOfKey(key), state, recipients: rows.length };
    const came = rows.toSorted((a, b) => a.mail.order - b.mail.order);
    return [name, { ...count, oldest: oldestIn(came, "key") }];
  });
  return new Map(counts);
}

/** When that was accepted which stands first, of each lane that is read. */
function oldestIn(rows: readonly Row[], lane: "state" | "key"): number {
  const lanes = Map.groupBy(rows, ({ recipient }) => recipient[lane]);
  return Math.min(...[...lanes.values()].map(([first]) => first?.mail.mail.acceptedAt ?? Infinity));
}

export function keptOf({ mails }: QueueModel, domain: string): Kept {
  const kept = mails.filter(({ recipients }) =>
    recipients.some(({ key, state }) => state !== "gone" && domainOfKey(key) === domain),
  );
  return { messages: kept.length, bytes: kept.reduce((bytes, { body }) => bytes + body.length, 0) };
}

export function dueOf(rows: readonly Row[], limit: number): DueMail[] {
  const mails = Map.groupBy(rows.slice(0, limit), ({ mail }) => mail.mail.id);
  return [...mails].map(([id, of]) => ({ id, recipients: of.map(({ recipient }) => recipient.address) }));
}

/** Since when the first of them is there, for those that wait for somebody to decide. */
export function asideOf(rows: readonly Row[]): { readonly recipients: number; readonly oldest?: number } {
  const [first] = rows;
  return first === undefined ? { recipients: 0 } : { recipients: rows.length, oldest: first.recipient.since };
}
