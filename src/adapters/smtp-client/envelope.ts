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

/** A 421, or a reply where none is expected: the session ends, RFC 5321 §3.8. */
export class Closing extends Error {
  readonly reply: Reply;
  constructor(reply: Reply, why = "it answered") {
    super(`${why} ${reply.code} ${reply.text}`);
    this.reply = reply;
  }
}

/**
 * RFC 3207 §4: such a reply concerns all mail of the session. A 530 with other words may concern one sender only, so
 * only that mail waits.
 */
const WANTS_TLS = /\bSTARTTLS\b/i;
const NO_TLS = "it accepts mail over TLS only, and there is none: `tls: require` would show why; it answered";

interface Envelope {
  /** RSET is sent first, because the previous mail may have left its sender and recipients behind. */
  readonly reset: boolean;
  /** Commands before MAIL, whose replies change nothing. */
  readonly before: readonly string[];
  readonly mail: string;
  readonly recipients: readonly string[];
  /** Absent if BDAT carries the body. */
  readonly data?: string;
}

export interface EnvelopeResult {
  /** Recipients that the peer accepted. */
  readonly taken: readonly number[];
  /** Whether the peer waits for a body. */
  readonly open: boolean;
}

/** The results for a mail so far. Each reply counts as soon as it is read, even if the connection is lost later. */
interface Findings {
  readonly outcomes: Map<number, Outcome>;
  senderRefused(answer: Reply): void;
  /** `taken`: the recipients that had been accepted. */
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

/** Returns all lines as one batch. */
export function asBatch({ reset, before, mail, recipients, data = "" }: Envelope): string {
  return `${reset ? RSET : ""}${before.join("")}${mail}${recipients.join("")}${data}`;
}

export interface Asking {
  /** Returns the reply to this line. Sends the line, unless all lines were sent as one batch. */
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

/** Reads the replies to an envelope, except that to RSET; sets an outcome for each recipient that was not accepted. */
export async function readEnvelope(
  envelope: Envelope,
  mail: ClaimedMail,
  findings: Findings,
  { ask, pipelined }: Asking,
): Promise<EnvelopeResult> {
  const { outcomes } = findings;
  // Replies that have arrived already are read without a turn of the event loop.
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
  // A 250 in place of 354 may be the reply to a recipient; then the refusals may belong to other recipients, too.
  const doubtful = isPositive(data) ? mail.recipients.map(({ n }) => n) : taken;
  findings.bodyRefused(doubtful, negative(data));
  return { taken: [], open: false };
}

/** A 3xx is no valid reply to these commands (RFC 5321 §4.2.1); it must be the reply to an earlier DATA. */
export function inStep(answer: Reply): Reply {
  if (answer.code >= 300 && answer.code < 400) throw new OutOfStep(answer);
  return whileOpen(answer);
}

/** A 421 ends the session, whatever command it answers. */
export function whileOpen(answer: Reply): Reply {
  if (answer.code === 421) throw new Closing(answer);
  return answer;
}

/**
 * RFC 5321 §4.5.3.1.10: "too many recipients" is 452, which was 552 in RFC 821; the other recipients follow in the next
 * transaction. The enhanced code 5.5.3 means the same with any code. As a reply to a first recipient it means something
 * else.
 */
function asTooMany(answer: Reply): Reply {
  const { code, enhanced, text } = answer;
  const said = enhanced === "5.5.3" || (code === 552 && enhanced === undefined);
  return said ? reply(452, "4.5.3", text) : answer;
}

/** A positive reply to DATA is neither a permission to send the body nor a delivery. */
function negative(data: Reply): Reply {
  return isPositive(data) ? { code: 451, text: `DATA was answered with ${data.code} ${data.text}` } : data;
}

function mailLine(mail: ClaimedMail, { size, eightBit, dsn }: Dialect): string {
  let parameters = size ? ` SIZE=${wireSize(mail)}` : "";
  if (mail.eightBit && eightBit) parameters += " BODY=8BITMIME";
  if (mail.smtpUtf8) parameters += " SMTPUTF8";
  // The sender's DSN requests are passed on as received, RFC 3461 §5.2.1.
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
