import { parseAddress, type Address } from "../../mail/address.ts";
import { isPermanent, type Reply } from "../../mail/reply.ts";
import { refusedSingly, type SendResult } from "../../ports/smtp-client.ts";
import type { ClaimedMail } from "../../ports/work-store.ts";
import type { CalloutWay } from "./callout-line.ts";

/** A delivery attempt: the mail, the primary and the result. */
export interface Attempted {
  readonly domain: string;
  readonly way: CalloutWay;
  readonly mail: ClaimedMail;
  readonly result: SendResult;
}

export interface Lessons {
  /** Accepted addresses, as the sender wrote them. */
  readonly taken: readonly string[];
  /** Addresses for which a separate reply said that there is no such mailbox. */
  readonly refused: readonly { readonly address: Address; readonly reply: Reply }[];
}

/** Extracts what an attempt proves about its recipients; a refusal of the sender or of the body proves nothing. */
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

/** Codes of RFC 3463 for a mailbox that does not exist or is closed. 5.1.3 is about the syntax of the address. */
const MAILBOX = /^5\.(?:1\.(?:0|1|2|6|10)|2\.1)$/;

/** Returns whether a reply to RCPT means that the mailbox does not exist, and not that we or our mail are unwanted. */
export function saysNoSuchMailbox(said: Reply): boolean {
  if (!isPermanent(said)) return false;
  if (said.enhanced !== undefined) return MAILBOX.test(said.enhanced);
  return said.code === 550 || said.code === 551 || said.code === 553;
}
