import type { CheckSettings } from "../../../ports/checks.ts";
import { accepted } from "../../../mail/verdict.ts";
import type { RcptSubject, Said, StageCheck } from "../check.ts";
import { judgeFault, type Fault } from "./fault.ts";

const PATIENT = accepted("waited for the reply to HELO");
const EARLY: Fault = {
  name: "before-the-reply-to-HELO",
  words: "You sent commands before you had the reply to HELO or EHLO",
  detail: "7.1",
};

/** RFC 2920 §3.1: EHLO must be the last command of a group, because its reply says whether groups are allowed. */
export function earlyTalkerCheck(settings: () => CheckSettings): StageCheck<"rcpt"> {
  const run = ({ early, domain }: RcptSubject): Said => {
    const { earlyTalker: forAll = "off", contact } = settings();
    const action = domain?.settings.checks?.earlyTalker ?? forAll;
    if (action === "off" || domain === undefined) return undefined;
    return early === true ? judgeFault("Early-Talker", EARLY, { action, contact }) : PATIENT;
  };
  return { name: "earlyTalker", stage: "rcpt", reputation: true, run };
}
