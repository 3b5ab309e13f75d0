import type { Outcome } from "../../mail/outcome.ts";
import type { Reply } from "../../mail/reply.ts";
import type { ClaimedMail, ClaimedRecipient, Settlement } from "../../ports/queue.ts";
import { brokenDelay, MOST_UNCONFIRMED, retryDelay, unconfirmedDelay } from "./schedule.ts";

export interface SettlementFacts {
  readonly now: number;
  /** 0 to 1. */
  readonly random: () => number;
  /** Recipients whose refusal is not believed: held for probation instead of parked. */
  readonly held?: ReadonlySet<number>;
}

/**
 * What an attempt leads to for each recipient of a claimed mail. Recipients without an outcome are released:
 * nothing was sent for them.
 */
export function settle(
  mail: ClaimedMail,
  outcomes: ReadonlyMap<number, Outcome>,
  facts: SettlementFacts,
): readonly Settlement[] {
  const somebodyTookIt = [...outcomes.values()].some(({ kind }) => kind === "delivered");
  return mail.recipients.map((recipient) => {
    const outcome = outcomes.get(recipient.n) ?? { kind: "released" };
    const again = outcome.kind === "deferred" && somebodyTookIt && isTooMany(outcome.reply);
    const next = again
      ? { state: "waiting" as const, dueAt: facts.now }
      : nextState(outcome, recipient, facts);
    return { n: recipient.n, outcome, ...next };
  });
}

type Next = Pick<Settlement, "state" | "reason" | "dueAt">;

function nextState(
  outcome: Outcome,
  { n, attempts, unconfirmed }: ClaimedRecipient,
  { now, random, held }: SettlementFacts,
): Next {
  switch (outcome.kind) {
    case "delivered":
      return { state: "gone", reason: "delivered" };
    case "refused":
      return held?.has(n) === true
        ? { state: "held", reason: "probation" }
        : { state: "parked", reason: "refused" };
    case "released":
      return { state: "waiting", dueAt: now };
    case "deferred": {
      const delay = outcome.reply.code === 421 ? brokenDelay : retryDelay;
      return { state: "waiting", dueAt: now + delay(attempts, random) };
    }
    case "unconfirmed":
      return unconfirmed + 1 >= MOST_UNCONFIRMED
        ? { state: "held", reason: "unconfirmed" }
        : { state: "unconfirmed", dueAt: now + unconfirmedDelay(unconfirmed, random) };
  }
}

/** RFC 5321 §4.5.3.1.10: the peer takes no more recipients in this transaction; the rest may come at once. */
function isTooMany(answer: Reply): boolean {
  return answer.code === 452 && (answer.enhanced === undefined || answer.enhanced === "4.5.3");
}
