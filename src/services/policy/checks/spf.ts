import { accepted } from "../../../mail/verdict.ts";
import type { CheckSettings } from "../../../ports/checks.ts";
import { whenKnown } from "../../../runtime/at-once.ts";
import type { RcptSubject, Said, StageCheck } from "../check.ts";
import { wantsSpf } from "../spf-inquiry.ts";
import type { Fault } from "./consequence.ts";
import { consequence } from "./consequence.ts";

const ASKED = accepted("asked; the result stands in Received-SPF");

/** RFC 7372 §3.2. */
const FAILED: Fault = {
  name: "fail",
  words: "The domain of your sender address does not list you as a sender (SPF)",
  detail: "7.23",
};

/**
 * RFC 7208. Asked when MAIL comes, waited for only where a domain acts on it. Only `fail` has a consequence: trouble
 * of the DNS and malformed policies are the world's, and the result stands in the header fields in any case.
 */
export function spfCheck({ settings }: { readonly settings: () => CheckSettings }): StageCheck<"rcpt"> {
  const run = ({ spf, domain }: RcptSubject): Said | Promise<Said> => {
    const { spf: forAll = "off", contact } = settings();
    const action = domain?.settings.checks?.spf ?? forAll;
    if (domain === undefined || spf === undefined) return undefined;
    if (wantsSpf({ ...settings(), ...domain.settings.checks })) void spf.answer();
    if (action === "off") return undefined;
    const answer = spf.answer();
    if (action === "tag") return ASKED;
    return whenKnown(answer, ({ result }) =>
      result === "fail" ? consequence("SPF", FAILED, { action, contact }) : accepted(result),
    );
  };
  return { name: "spf", stage: "rcpt", reputation: true, run };
}
