import { reply } from "../../../mail/reply.ts";
import type { Verdict } from "../../../mail/verdict.ts";
import { accepted } from "../../../mail/verdict.ts";
import type { RecipientAnswer, Recipients } from "../../recipients/recipients.ts";
import type { RcptSubject, Said, StageCheck } from "../check.ts";

const UNKNOWN: Verdict = { kind: "reject", reply: reply(550, "5.1.1", "No such mailbox here") };

/** The mailbox exists, as far as lists and memory tell. */
export function recipientCheck(recipients: Recipients): StageCheck<"rcpt"> {
  const run = ({ recipient, domain, certain }: RcptSubject): Said => {
    if (domain === undefined || certain) return undefined;
    return verdictOf(recipients.find(domain, recipient));
  };
  return { name: "recipient", stage: "rcpt", run };
}

const LISTED = { file: accepted("in the declared list"), api: accepted("in the list of the API") };
const POSTMASTER = accepted("postmaster is always valid");
const CATCH_ALL = accepted("the domain takes every address");

function verdictOf(answer: RecipientAnswer): Verdict {
  if (answer.kind === "unknown") return UNKNOWN;
  if (answer.kind === "known") return LISTED[answer.origin];
  return answer.kind === "postmaster" ? POSTMASTER : CATCH_ALL;
}
