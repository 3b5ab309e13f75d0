/**
 * MAIL, RCPT and DATA of one mail, RFC 5321 §3.3, as lines to send and as replies to read. Outcomes are kept by
 * position, so that one address named twice stays two recipients.
 */
import type { Outcome } from "../../mail/outcome.ts";
import { outcomeOf } from "../../mail/outcome.ts";
import type { Reply } from "../../mail/reply.ts";
import { isPositive } from "../../mail/reply.ts";
import type { ClaimedMail, ClaimedRecipient } from "../../ports/queue.ts";
import type { Capabilities } from "../../ports/smtp-client.ts";
import { xforwardLines } from "./identity.ts";

/** RFC 5321 §4.5.3.2, in ms. */
const MAIL_TIMEOUT = 5 * 60_000;
const RCPT_TIMEOUT = 5 * 60_000;
const DATA_TIMEOUT = 2 * 60_000;

/** 421: the peer ends the session, RFC 5321 §3.8. */
export class Closing extends Error {
  readonly reply: Reply;
  constructor(reply: Reply) {
    super(`it answered 421 ${reply.text}`);
    this.reply = reply;
  }
}

export interface Envelope {
  /** What goes before MAIL; its replies change nothing. */
  readonly before: readonly string[];
  readonly mail: string;
  readonly recipients: readonly string[];
  /** Absent where BDAT carries the body. */
  readonly data?: string;
}

export interface EnvelopeResult {
  /** Recipients that the peer took. */
  readonly taken: readonly number[];
  /** Whether the peer waits for a body. */
  readonly open: boolean;
  /** What was refused, where it was not single recipients. */
  readonly refusedAt?: "mail" | "body";
}

export interface EnvelopeOptions {
  readonly capabilities: Capabilities;
  /** The mail before may have left its sender and recipients behind. */
  readonly reset: boolean;
  readonly chunked: boolean;
}

export function envelopeOf(mail: ClaimedMail, { capabilities, reset, chunked }: EnvelopeOptions): Envelope {
  const told = xforwardLines(mail, capabilities);
  const dsn = capabilities.extensions.includes("DSN");
  return {
    before: reset ? ["RSET\r\n", ...told] : told,
    mail: mailLine(mail, capabilities),
    recipients: mail.recipients.map((recipient) => {
      return `RCPT TO:<${recipient.address}>${dsn ? rcptDsn(recipient) : ""}\r\n`;
    }),
    ...(!chunked && { data: "DATA\r\n" }),
  };
}

/** All lines as one batch. */
export function asBatch({ before, mail, recipients, data = "" }: Envelope): string {
  return `${before.join("")}${mail}${recipients.join("")}${data}`;
}

export interface Asking {
  /** The reply to this line, which is sent here unless all lines have gone out as one batch. */
  ask(line: string, timeout: number): Reply | Promise<Reply>;
  readonly pipelined: boolean;
}

/** Reads what the peer says to an envelope; writes an outcome for each recipient that was not taken. */
export async function readEnvelope(
  envelope: Envelope,
  mail: ClaimedMail,
  outcomes: Map<number, Outcome>,
  asking: Asking,
): Promise<EnvelopeResult> {
  const { pipelined } = asking;
  // Replies that are there already cost no turn.
  const ask = (line: string, timeout: number): Reply | Promise<Reply> => {
    const answer = asking.ask(line, timeout);
    return answer instanceof Promise ? answer.then(whileOpen) : whileOpen(answer);
  };
  for (const line of envelope.before) await ask(line, MAIL_TIMEOUT);
  const asked = ask(envelope.mail, MAIL_TIMEOUT);
  const sender = asked instanceof Promise ? await asked : asked;
  const refused = isPositive(sender) ? undefined : sender;
  if (refused !== undefined && !pipelined) return refuseAll(mail, refused, outcomes);
  const taken: number[] = [];
  for (const [i, recipient] of mail.recipients.entries()) {
    const answered = ask(envelope.recipients[i] ?? "", RCPT_TIMEOUT);
    const answer = answered instanceof Promise ? await answered : answered;
    if (refused === undefined && isPositive(answer)) taken.push(recipient.n);
    else outcomes.set(recipient.n, outcomeOf(refused ?? answer));
  }
  const at = refused === undefined ? {} : { refusedAt: "mail" as const };
  if (envelope.data === undefined) return { taken, open: taken.length > 0, ...at };
  if (taken.length === 0 && !pipelined) return { taken, open: false };
  const data = await ask(envelope.data, DATA_TIMEOUT);
  if (data.code >= 300 && data.code < 400) return { taken, open: true, ...at };
  for (const n of taken) outcomes.set(n, outcomeOf(negative(data)));
  return { taken: [], open: false, ...at, ...(taken.length > 0 && { refusedAt: "body" }) };
}

/** 421 ends everything, whatever it answers. */
export function whileOpen(answer: Reply): Reply {
  if (answer.code === 421) throw new Closing(answer);
  return answer;
}

function refuseAll(mail: ClaimedMail, answer: Reply, outcomes: Map<number, Outcome>): EnvelopeResult {
  for (const recipient of mail.recipients) outcomes.set(recipient.n, outcomeOf(answer));
  return { taken: [], open: false, refusedAt: "mail" };
}

/** A 250 to DATA is no permission to send, and no delivery either. */
function negative(data: Reply): Reply {
  return isPositive(data) ? { code: 451, text: `DATA was answered with ${data.code} ${data.text}` } : data;
}

function mailLine(mail: ClaimedMail, capabilities: Capabilities): string {
  const offers = (keyword: string): boolean => capabilities.extensions.includes(keyword);
  const parameters = [
    offers("SIZE") ? ` SIZE=${wireSize(mail)}` : "",
    mail.eightBit && offers("8BITMIME") ? " BODY=8BITMIME" : "",
    mail.smtpUtf8 ? " SMTPUTF8" : "",
    ...(offers("DSN") ? mailDsn(mail) : []),
  ].join("");
  return `MAIL FROM:<${mail.sender}>${parameters}\r\n`;
}

/** What the sender asked of notices goes along as it came, RFC 3461 §5.2.1. */
function mailDsn({ dsn = {} }: ClaimedMail): string[] {
  const { ret, envid } = dsn;
  return [ret === undefined ? "" : ` RET=${ret}`, envid === undefined ? "" : ` ENVID=${envid}`];
}

function rcptDsn({ notify, orcpt }: ClaimedRecipient): string {
  return `${notify === undefined ? "" : ` NOTIFY=${notify}`}${orcpt === undefined ? "" : ` ORCPT=${orcpt}`}`;
}

/** Octets of the mail as RFC 1870 counts them: without stuffed dots and the final one. */
export function wireSize(mail: ClaimedMail): number {
  return mail.size + Buffer.byteLength(mail.topFields);
}
