import { reply } from "../../../mail/reply.ts";
import { ACCEPT, type Verdict } from "../../../mail/verdict.ts";
import type { DataSubject, StageCheck } from "../check.ts";

const LOOP: Verdict = { kind: "reject", reply: reply(554, "5.4.6", "Mail loop: too many Received fields") };

/** RFC 5321 §6.3: mail with too many Received fields, or too many of this server, is in a loop. */
export const loopCheck: StageCheck<"data"> = { name: "loop", stage: "data", run };

function run({ facts, received, ownReceived }: DataSubject): Verdict {
  return facts.received > received || facts.ownReceived >= ownReceived ? LOOP : ACCEPT;
}
