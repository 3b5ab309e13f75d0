import { reply } from "../../../mail/reply.ts";
import { accepted, type Verdict } from "../../../mail/verdict.ts";
import type { StageCheck } from "../check.ts";

const ROOM = accepted("below its quota");
const FULL: Verdict = {
  kind: "defer",
  reply: reply(452, "4.2.2", "Too much mail for this domain waits here, try again later"),
};

/** Defers mail for a domain that is over its quota; never rejects it. */
export function quotaCheck(isFull: (domain: string) => boolean): StageCheck<"rcpt"> {
  const run: StageCheck<"rcpt">["run"] = ({ domain }) => {
    if (domain?.settings.quota === undefined) return undefined;
    return isFull(domain.name) ? FULL : ROOM;
  };
  return { name: "quota", stage: "rcpt", run };
}
