/** Asks whether mailboxes exist, RFC 5321 §3.3: a transaction with the null sender that ends before DATA. */
import { needsSmtpUtf8 } from "../../mail/address.ts";
import { isPositive, type Reply } from "../../mail/reply.ts";
import type { Capabilities, Verification } from "../../ports/smtp-client.ts";
import { inStep, type Asking } from "./envelope.ts";
import { OutOfStep, RSET } from "./marks.ts";
import type { Wire } from "./wire.ts";

/** Longest wait for each reply, in ms; a question cannot wait as long as a mail. */
const REPLY_TIMEOUT = 30_000;

/** Rejects with Closing, OutOfStep or ConnectionLost; earlier answers are then lost, and can be asked for again. */
export async function verify(
  wire: Wire,
  addresses: readonly string[],
  { extensions }: Capabilities,
  { ask, pipelined }: Asking,
): Promise<Verification> {
  const asked = addresses.filter((address) => extensions.includes("SMTPUTF8") || !needsSmtpUtf8(address));
  const step = async (command: string): Promise<Reply> => inStep(await ask(command, REPLY_TIMEOUT));
  const mail = `MAIL FROM:<>${asked.some(needsSmtpUtf8) ? " SMTPUTF8" : ""}\r\n`;
  const recipients = asked.map((address) => `RCPT TO:<${address}>\r\n`);
  if (pipelined) wire.write([[mail, ...recipients, RSET].join("")]);
  const sender = await step(mail);
  const refused = isPositive(sender) ? undefined : sender;
  const answers = new Map<string, Reply>();
  for (const [i, address] of asked.entries()) {
    if (refused !== undefined && !pipelined) break;
    const said = await step(recipients[i] ?? "");
    if (refused === undefined) answers.set(address, said);
  }
  const end = await step(RSET);
  const odd = isPositive(end) ? wire.early() : end;
  if (odd !== undefined && odd.code !== 421) throw new OutOfStep(odd);
  return refused === undefined ? { answers } : { answers, refused };
}
