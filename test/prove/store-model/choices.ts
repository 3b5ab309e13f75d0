/** What the walks choose from: few names, so that they meet again and again. */
import { mailboxKeyOf } from "../../../src/mail/address.ts";
import { reroutedKey } from "../../../src/mail/delivery-key.ts";
import { DSN_DOMAIN } from "../../../src/ports/dsn.ts";
import type { NewMail, NewRecipient } from "../../../src/ports/intake.ts";
import type { MailFilter } from "../../../src/ports/operator.ts";
import { RECIPIENT_STATES, type Reason } from "../../../src/ports/recipient-state.ts";
import { newMail } from "../../contract/mails.ts";
import type { Random } from "../../support/random.ts";
import { SIZES } from "./clients.ts";
import type { QueueModel } from "./queue-model.ts";

export const DOMAINS = ["one.test", "two.test", "one.test.au", DSN_DOMAIN] as const;
const MAIL_DOMAINS = DOMAINS.slice(0, 3);
export const PLACES = ["h.test:25", "192.0.2.9:2525"] as const;
const LOCALS = ["ann", "Bob", "c+x"] as const;
const SENDERS = ["", "s@x.test", "Sender@X.test", "t@y.test"] as const;
const REASONS: readonly Reason[] = [
  "operator",
  "probation",
  "quarantine",
  "refused",
  "content",
  "expired",
  "delivered",
];
const WISHES = [{}, {}, { notify: "NEVER" }, { notify: "SUCCESS,DELAY", orcpt: "rfc822;o@p.test" }] as const;

/** All under which mail is claimed. */
export const KEYS: readonly string[] = [
  ...DOMAINS,
  ...MAIL_DOMAINS.flatMap((domain) => PLACES.map((place) => reroutedKey(domain, place))),
];

/** As they are remembered. */
export const ADDRESSES: readonly string[] = MAIL_DOMAINS.flatMap((domain) =>
  LOCALS.map((local) => mailboxKeyOf(`${local}@${domain}`)),
);

export function oneIn(n: number, random: Random): boolean {
  return random.below(n) === 0;
}

/** In ms: none, some seconds, hours, or weeks. */
export function anyTime(random: Random): number {
  return random.below(random.pick([1, 20_000, 6 * 3_600_000, 40 * 86_400_000]));
}

export function anyMail(id: string, now: number, random: Random): NewMail {
  // Few, or more than what is done in slices takes at a time.
  const length = oneIn(40, random) ? 40 + random.below(120) : random.pick([1, 1, 2, 4]);
  const recipients = Array.from({ length }, () => anyRecipient(random));
  return newMail(now, {
    id,
    sender: random.pick(SENDERS),
    recipients,
    smtpUtf8: oneIn(5, random),
    eightBit: oneIn(5, random),
    ...(oneIn(8, random) && { quarantine: "spam" }),
    ...(oneIn(4, random) && { messageId: `<${id}@x>`, subject: "s", from: "f@x" }),
    ...(oneIn(4, random) && { traits: ["list", "automatic"] }),
    ...(oneIn(4, random) && { dsn: { ret: "HDRS", envid: "E" } }),
    ...(oneIn(4, random) && { client: { ip: "2001:db8::1", helo: "h", name: "n.test", tls: "TLSv1.3" } }),
  });
}

function anyRecipient(random: Random): NewRecipient {
  const domain = random.pick(MAIL_DOMAINS);
  return { address: `${random.pick(LOCALS)}@${domain}`, domain, ...random.pick(WISHES) };
}

/** For a row. */
export function smallBody(random: Random): Buffer {
  return bodyOfSize(random.below(SIZES.rowLimit + 1), random);
}

/** For a row, a segment or a file of its own. */
export function anyBody(random: Random): Buffer {
  const { rowLimit, heldLimit } = SIZES;
  const least = random.pick([0, 0, rowLimit, rowLimit, heldLimit]);
  return bodyOfSize(least + random.below(heldLimit), random);
}

function bodyOfSize(size: number, random: Random): Buffer {
  return Buffer.alloc(size, `${random.below(1e9)} `);
}

/** One under which something is due by then, mostly. */
export function anyKey(queue: QueueModel, now: number, random: Random): string {
  const due = KEYS.filter((key) => queue.due(key, now).length > 0);
  return due.length === 0 || oneIn(6, random) ? random.pick(KEYS) : random.pick(due);
}

/** Narrow or wide; most pick something. */
export function anyFilter(queue: QueueModel, random: Random): MailFilter {
  const mail = queue.mails.length === 0 ? undefined : random.pick(queue.mails).mail;
  const parts: readonly MailFilter[] = [
    {},
    mail === undefined ? {} : { id: mail.id },
    { domain: random.pick(DOMAINS) },
    { state: random.pick(RECIPIENT_STATES) },
    { reason: random.pick(REASONS) },
    { sender: random.pick(SENDERS).toUpperCase() },
    { recipient: `${random.pick(LOCALS)}@${random.pick(MAIL_DOMAINS)}`.toLowerCase() },
  ];
  return { ...random.pick(parts), ...(oneIn(2, random) && random.pick(parts)) };
}
