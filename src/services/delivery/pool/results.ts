import type { Outcome } from "../../../mail/outcome.ts";
import { reply } from "../../../mail/reply.ts";
import type { SendResult } from "../../../ports/smtp-client.ts";
import type { Passed } from "./ramp.ts";

/** What an answered mail tells of its primary; undefined when it was not offered, or given back as it was. */
export function passedBy({ outcomes, refusedAt, took }: SendResult): Passed | undefined {
  if (refusedAt === "here") return undefined;
  let answered = 0;
  let deferred = 0;
  for (const { kind } of outcomes.values()) {
    if (kind !== "released" && kind !== "damaged") answered += 1;
    if (kind === "deferred") deferred += 1;
  }
  return answered === 0 ? undefined : { took, putOff: deferred === answered };
}

/** What becomes of a mail that one primary cannot take, and another may. */
export function deferredFor(result: SendResult): SendResult {
  const deferred = (outcome: Outcome): Outcome => {
    if (outcome.kind !== "refused") return outcome;
    const text = `${outcome.reply.text}; another primary may take it later`;
    return { kind: "deferred", reply: reply(451, "4.4.0", text) };
  };
  const outcomes = Array.from(result.outcomes, ([n, outcome]) => [n, deferred(outcome)] as const);
  return { ...result, outcomes: new Map(outcomes) };
}

/** The primary ended the session by 421 in answer to this mail. */
export function closedBy421({ trouble }: SendResult): boolean {
  return trouble?.stage === "session" && trouble.reply?.code === 421;
}
