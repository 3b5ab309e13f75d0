/**
 * MAIL, RCPT and DATA of one mail, RFC 5321 §3.3: as one batch where the peer pipelines (RFC 2920), else one by one.
 * Outcomes are kept by position, so that one address named twice stays two recipients.
 */
import type { Outcome } from "../../mail/outcome.ts";
import { outcomeOf } from "../../mail/outcome.ts";
import type { Reply } from "../../mail/reply.ts";
import { isPositive } from "../../mail/reply.ts";
import type { ClaimedMail } from "../../ports/queue.ts";
import type { Capabilities } from "../../ports/smtp-client.ts";
import { xforwardLines } from "./identity.ts";
import type { Wire } from "./wire.ts";

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

export interface EnvelopeResult {
  /** Recipients that the peer took. */
  readonly taken: readonly number[];
  /** Whether the peer waits for a body. */
  readonly open: boolean;
  /** What was refused, where it was not single recipients. */
  readonly refusedAt?: "mail" | "body";
}

/** Sends the envelope; writes an outcome for each recipient that was not taken. Rejects with Closing or ConnectionLost. */
export async function sendEnvelope(
  wire: Wire,
  mail: ClaimedMail,
  capabilities: Capabilities,
  outcomes: Map<number, Outcome>,
): Promise<EnvelopeResult> {
  const pipelined = capabilities.extensions.includes("PIPELINING");
  const step = async (command: string, timeout: number): Promise<Reply> => {
    if (!pipelined) wire.write([command]);
    return whileOpen(await wire.reply(timeout));
  };
  const lines = commands(mail, capabilities);
  const before = xforwardLines(mail, capabilities);
  if (pipelined) wire.write([before.join("") + lines.join("")]);
  // They are for the primary's log only: what it answers changes nothing.
  for (const line of before) await step(line, MAIL_TIMEOUT);
  const sender = await step(lines[0] ?? "", MAIL_TIMEOUT);
  const refused = isPositive(sender) ? undefined : sender;
  if (refused !== undefined && !pipelined) return refuseAll(mail, refused, outcomes);
  const taken: number[] = [];
  for (const [i, recipient] of mail.recipients.entries()) {
    const answer = await step(lines[i + 1] ?? "", RCPT_TIMEOUT);
    if (refused === undefined && isPositive(answer)) taken.push(recipient.n);
    else outcomes.set(recipient.n, outcomeOf(refused ?? answer));
  }
  if (taken.length === 0 && !pipelined) return { taken, open: false };
  const data = await step("DATA\r\n", DATA_TIMEOUT);
  if (data.code >= 300 && data.code < 400)
    return refused === undefined ? { taken, open: true } : { taken, open: true, refusedAt: "mail" };
  for (const n of taken) outcomes.set(n, outcomeOf(negative(data)));
  if (refused !== undefined) return { taken: [], open: false, refusedAt: "mail" };
  return taken.length > 0 ? { taken: [], open: false, refusedAt: "body" } : { taken: [], open: false };
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

/** The command lines, MAIL first, DATA last. */
function commands(mail: ClaimedMail, capabilities: Capabilities): string[] {
  const offers = (keyword: string): boolean => capabilities.extensions.includes(keyword);
  const parameters = [
    offers("SIZE") ? ` SIZE=${wireSize(mail)}` : "",
    mail.eightBit && offers("8BITMIME") ? " BODY=8BITMIME" : "",
    mail.smtpUtf8 ? " SMTPUTF8" : "",
  ].join("");
  return [
    `MAIL FROM:<${mail.sender}>${parameters}\r\n`,
    ...mail.recipients.map((recipient) => `RCPT TO:<${recipient.address}>\r\n`),
    "DATA\r\n",
  ];
}

/** Octets of the mail as RFC 1870 counts them: without stuffed dots and the final one. */
export function wireSize(mail: ClaimedMail): number {
  return mail.size + Buffer.byteLength(mail.topFields);
}
