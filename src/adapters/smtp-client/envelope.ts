/**
 * MAIL, RCPT and DATA of one mail, RFC 5321 §3.3, as lines to send and as replies to read. Outcomes are kept by
 * position, so that one address named twice stays two recipients.
 */
import { outcomeOf, type Outcome } from "../../mail/outcome.ts";
import { isPositive, reply, type Reply } from "../../mail/reply.ts";
import { wireSize } from "../../ports/smtp-client.ts";
import type { ClaimedMail, ClaimedRecipient } from "../../ports/work-store.ts";
import type { Dialect } from "./dialect.ts";
import { xforwardLines } from "./identity.ts";
import { OutOfStep, RSET } from "./marks.ts";
import type { Wire } from "./wire.ts";

/** RFC 5321 §4.5.3.2, in ms. */
const MAIL_TIMEOUT = 5 * 60_000;
const RCPT_TIMEOUT = 5 * 60_000;
const DATA_TIMEOUT = 2 * 60_000;

/** 421, or another word in a place where none is good: the session ends, RFC 5321 §3.8. */
export class Closing extends Error {
  readonly reply: Reply;
  constructor(reply: Reply, why = "it answered") {
    super(`${why} ${reply.code} ${reply.text}`);
    this.reply = reply;
  }
}

/** RFC 3207 §4: about this session, whatever the mail. Other words with that code may be about the sender. */
const WANTS_TLS = /\bSTARTTLS\b/i;
const NO_TLS = "it accepts mail over TLS only, and there is none: `tls: require` would show why; it answered";

interface Envelope {
  /** RSET stands at its head: the mail before may have left its sender and recipients behind. */
  readonly reset: boolean;
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
}

/** What is known of a mail so far; each reply counts as soon as it was read, whatever becomes of the connection. */
interface Findings {
  readonly outcomes: Map<number, Outcome>;
  senderRefused(answer: Reply): void;
  /** These recipients had been taken. */
  bodyRefused(taken: readonly number[], answer: Reply): void;
}

export function envelopeOf(mail: ClaimedMail, dialect: Dialect, reset: boolean): Envelope {
  const envelope = {
    reset,
    before: xforwardLines(mail, dialect.forwarded),
    mail: mailLine(mail, dialect),
    recipients: mail.recipients.map((recipient) => rcptLine(recipient, dialect)),
  };
  return dialect.chunked ? envelope : { ...envelope, data: "DATA\r\n" };
}

/** All lines as one batch. */
export function asBatch({ reset, before, mail, recipients, data = "" }: Envelope): string {
  return `${reset ? RSET : ""}${before.join("")}${mail}${recipients.join("")}${data}`;
}

export interface Asking {
  /** The reply to this line, which is sent here unless all lines have gone out as one batch. */
  ask(line: string, timeout: number): Reply | Promise<Reply>;
  readonly pipelined: boolean;
}

export function askingOf(wire: Wire, pipelined: boolean): Asking {
  if (pipelined) return { pipelined, ask: (_line, timeout) => wire.reply(timeout) };
  return {
    pipelined,
    ask: (line, timeout) => {
      const early = wire.early();
      if (early !== undefined && early.code !== 421) throw new OutOfStep(early);
      wire.write([line]);
      return wire.reply(timeout);
    },
  };
}

/** Reads what the peer says to an envelope behind RSET; writes an outcome for each recipient that was not taken. */
export async function readEnvelope(
  envelope: Envelope,
  mail: ClaimedMail,
  findings: Findings,
  { ask, pipelined }: Asking,
): Promise<EnvelopeResult> {
  const { outcomes } = findings;
  // Replies that are there already cost no turn.
  for (const line of envelope.before) {
    const told = ask(line, MAIL_TIMEOUT);
    inStep(told instanceof Promise ? await told : told);
  }
  const asked = ask(envelope.mail, MAIL_TIMEOUT);
  const sender = inStep(asked instanceof Promise ? await asked : asked);
  if (sender.code === 530 && WANTS_TLS.test(sender.text)) throw new Closing(sender, NO_TLS);
  const senderTaken = isPositive(sender);
  if (!senderTaken) findings.senderRefused(sender);
  if (!senderTaken && !pipelined) return { taken: [], open: false };
  const taken: number[] = [];
  for (let i = 0; i < mail.recipients.length; i++) {
    const { n } = mail.recipients[i] as ClaimedRecipient;
    const answered = ask(envelope.recipients[i] ?? "", RCPT_TIMEOUT);
    const answer = inStep(answered instanceof Promise ? await answered : answered);
    if (!senderTaken) continue;
    if (isPositive(answer)) taken.push(n);
    else outcomes.set(n, outcomeOf(taken.length > 0 ? asTooMany(answer) : answer));
  }
  if (envelope.data === undefined) return { taken, open: taken.length > 0 };
  if (taken.length === 0 && !pipelined) return { taken, open: false };
  const invited = ask(envelope.data, DATA_TIMEOUT);
  const data = whileOpen(invited instanceof Promise ? await invited : invited);
  if (data.code >= 300 && data.code < 400) return { taken, open: true };
  // A 250 that answers no DATA may be the one to a recipient: then the refusals were others' as well.
  const doubtful = isPositive(data) ? mail.recipients.map(({ n }) => n) : taken;
  findings.bodyRefused(doubtful, negative(data));
  return { taken: [], open: false };
}

/** To a command that asks for nothing more, 3xx is no answer (RFC 5321 §4.2.1): it is that to the DATA before. */
export function inStep(answer: Reply): Reply {
  if (answer.code >= 300 && answer.code < 400) throw new OutOfStep(answer);
  return whileOpen(answer);
}

/** 421 ends everything, whatever it answers. */
export function whileOpen(answer: Reply): Reply {
  if (answer.code === 421) throw new Closing(answer);
  return answer;
}

/**
 * RFC 5321 §4.5.3.1.10: what RFC 821 had as 552 is 452, no more recipients in this transaction, and for the others the
 * next one. 5.5.3 says the same of any code. Whoever says it of a first recipient means something else.
 */
function asTooMany(answer: Reply): Reply {
  const { code, enhanced, text } = answer;
  const said = enhanced === "5.5.3" || (code === 552 && enhanced === undefined);
  return said ? reply(452, "4.5.3", text) : answer;
}

/** A 250 to DATA is no permission to send, and no delivery either. */
function negative(data: Reply): Reply {
  return isPositive(data) ? { code: 451, text: `DATA was answered with ${data.code} ${data.text}` } : data;
}

function mailLine(mail: ClaimedMail, { size, eightBit, dsn }: Dialect): string {
  let parameters = size ? ` SIZE=${wireSize(mail)}` : "";
  if (mail.eightBit && eightBit) parameters += " BODY=8BITMIME";
  if (mail.smtpUtf8) parameters += " SMTPUTF8";
  // What the sender asked of DSNs goes along as it came, RFC 3461 §5.2.1.
  if (dsn && mail.dsn?.ret !== undefined) parameters += ` RET=${mail.dsn.ret}`;
  if (dsn && mail.dsn?.envid !== undefined) parameters += ` ENVID=${mail.dsn.envid}`;
  return `MAIL FROM:<${mail.sender}>${parameters}\r\n`;
}

function rcptLine({ address, notify, orcpt }: ClaimedRecipient, { dsn }: Dialect): string {
  let parameters = "";
  if (dsn && notify !== undefined) parameters += ` NOTIFY=${notify}`;
  if (dsn && orcpt !== undefined) parameters += ` ORCPT=${orcpt}`;
  return `RCPT TO:<${address}>${parameters}\r\n`;
}
