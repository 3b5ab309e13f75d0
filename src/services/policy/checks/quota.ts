import { reply } from "../../../mail/reply.ts";
import type { Verdict } from "../../../mail/verdict.ts";
import { ACCEPT } from "../../../mail/verdict.ts";
import type { StageCheck } from "../check.ts";

const FULL: Verdict = {
  kind: "defer",
  reply: reply(452, "4.2.2", "Too much mail for this domain waits here, try again later"),
};

/** A domain that holds more than its quota puts senders off, and never refuses them for good. */
export function quotaCheck(isFull: (domain: string) => boolean): StageCheck<"rcpt"> {
  const run: StageCheck<"rcpt">["run"] = ({ domain }) =>
    domain?.settings.quota !== undefined && isFull(domain.name) ? FULL : ACCEPT;
  return { name: "quota", stage: "rcpt", run };
}
