import { looksLikeRelayProbe } from "../../../mail/address.ts";
import { reply } from "../../../mail/reply.ts";
import { accepted, type Verdict } from "../../../mail/verdict.ts";
import type { RcptSubject, StageCheck } from "../check.ts";

export const RELAY_DENIED = reply(550, "5.7.1", "Relay access denied");
const DENIED: Verdict = { kind: "reject", reply: RELAY_DENIED };
const OURS = accepted("a domain of ours");
const DRAINING: Verdict = {
  kind: "defer",
  reply: reply(451, "4.3.2", "This host is giving up the domain, try another mail exchanger"),
};

/** Accepts only our domains, and no address with a relay route in it. A draining domain accepts no new mail. */
export const relayCheck: StageCheck<"rcpt"> = { name: "relay", stage: "rcpt", run };

function run({ recipient, domain }: RcptSubject): Verdict {
  if (domain === undefined || looksLikeRelayProbe(recipient)) return DENIED;
  return domain.draining ? DRAINING : OURS;
}
