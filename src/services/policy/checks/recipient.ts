import { reply } from "../../../mail/reply.ts";
import type { Verdict } from "../../../mail/verdict.ts";
import { ACCEPT } from "../../../mail/verdict.ts";
import type { Recipients } from "../../recipients/recipients.ts";
import type { RcptSubject, StageCheck } from "../check.ts";

const UNKNOWN: Verdict = { kind: "reject", reply: reply(550, "5.1.1", "No such mailbox here") };

/** The mailbox exists, as far as lists and memory tell. */
export function recipientCheck(recipients: Recipients): StageCheck<"rcpt"> {
  const run = ({ recipient, domain, certain }: RcptSubject): Verdict => {
    if (domain === undefined || certain) return ACCEPT;
    return recipients.find(domain, recipient).kind === "unknown" ? UNKNOWN : ACCEPT;
  };
  return { name: "recipient", stage: "rcpt", run };
}
