import { parseAddress, type Address } from "../../mail/address.ts";
import { isPermanent, type Reply } from "../../mail/reply.ts";
import { refusedSingly, type SendResult } from "../../ports/smtp-client.ts";
import type { ClaimedMail } from "../../ports/work-store.ts";
import type { CalloutWay } from "./callout-line.ts";

/** A mail that was offered to a primary, and how that went. */
export interface Attempted {
  readonly domain: string;
  readonly way: CalloutWay;
  readonly mail: ClaimedMail;
  readonly result: SendResult;
}

export interface Lessons {
  /** Addresses as they were written. */
  readonly taken: readonly string[];
  /** No such mailbox, by a reply of its own. */
  readonly refused: readonly { readonly address: Address; readonly reply: Reply }[];
}

/** What a handed-over mail says of its recipients; a refusal of the sender or of the body says nothing of them. */
export function lessonsOf({ mail, result }: Attempted): Lessons {
  const singly = refusedSingly(result);
  const taken: string[] = [];
  const refused: { address: Address; reply: Reply }[] = [];
  for (const recipient of mail.recipients) {
    const outcome = result.outcomes.get(recipient.n);
    if (outcome?.kind === "delivered") taken.push(recipient.address);
    if (outcome?.kind !== "refused" || !singly.has(recipient.n) || !saysNoSuchMailbox(outcome.reply))
      continue;
    const address = parseAddress(recipient.address);
    if (address !== undefined) refused.push({ address, reply: outcome.reply });
  }
  return { taken, refused };
}

/** Codes of RFC 3463 that speak of the mailbox: it is not there, or it is closed. 5.1.3 speaks of how it is written. */
const MAILBOX = /^5\.(?:1\.(?:0|1|2|6|10)|2\.1)$/;

/** Whether a reply to RCPT means that there is no such mailbox; a refusal of us, or of policy, does not. */
export function saysNoSuchMailbox(said: Reply): boolean {
  if (!isPermanent(said)) return false;
  if (said.enhanced !== undefined) return MAILBOX.test(said.enhanced);
  return said.code === 550 || said.code === 551 || said.code === 553;
}
