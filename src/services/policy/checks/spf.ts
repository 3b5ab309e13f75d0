import { shortened } from "../../../mail/reply.ts";
import { accepted } from "../../../mail/verdict.ts";
import type { SpfAnswer } from "../../../ports/authentication.ts";
import type { CheckSettings } from "../../../ports/checks.ts";
import { whenKnown, type Later } from "../../../runtime/at-once.ts";
import type { RcptSubject, Said, StageCheck } from "../check.ts";
import { judgeFault, type Fault } from "./fault.ts";

const ASKED = accepted("checked; the result is in Received-SPF");

/** Most characters of the text of a reply, which has 512 octets with codes and line end (RFC 5321 §4.5.3.1.5). */
const LONGEST_WORDS = 490;

/** RFC 7372 §3.2. */
const FAILED: Fault = {
  name: "fail",
  words: "The domain of your sender address does not list you as a sender (SPF)",
  detail: "7.23",
};

/**
 * RFC 7208. The evaluation starts at MAIL and is awaited only if the domain acts on the result. Only `fail` has a
 * consequence: failures of the DNS and malformed policies do not count against the client. The result is written into
 * the header fields in any case.
 */
export function spfCheck({ settings }: { readonly settings: () => CheckSettings }): StageCheck<"rcpt"> {
  const run = ({ spf, domain }: RcptSubject): Later<Said> => {
    if (domain === undefined || spf === undefined) return undefined;
    const { spf: forAll = "off", dmarc = "off", contact } = settings();
    const own = domain.settings.checks;
    const action = own?.spf ?? forAll;
    if (action === "off" && (own?.dmarc ?? dmarc) === "off") return undefined;
    // Started here even if only DMARC needs it, at the end of the body.
    const answer = spf.answer();
    if (action === "off") return undefined;
    if (action === "tag") return ASKED;
    return whenKnown(answer, (said) =>
      said.result === "fail"
        ? judgeFault("SPF", faultOf(said, contact), { action, contact })
        : accepted(said.result),
    );
  };
  return { name: "spf", stage: "rcpt", reputation: true, run };
}

/** The fault, with the explanation of the domain's owner if there is one (RFC 7208 §6.2, §8.4). */
function faultOf({ domain, explanation }: SpfAnswer, contact = ""): Fault {
  if (explanation === undefined) return FAILED;
  const room = LONGEST_WORDS - [FAILED.words, contact, ""].join("; ").length;
  return { ...FAILED, quote: shortened(`The domain ${domain} explains: ${explanation}`, room) };
}
