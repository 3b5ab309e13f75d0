import { hasDelivered, type Outcome } from "../../mail/outcome.ts";
import type { Reply } from "../../mail/reply.ts";
import { wantsDsn } from "../../mail/dsn.ts";
import type { DsnKind } from "../../ports/dsn.ts";
import type { ClaimedMail, ClaimedRecipient, Settlement } from "../../ports/work-store.ts";
import { brokenDelay, MOST_UNCONFIRMED, retryDelay } from "./schedule.ts";

interface SettlementFacts {
  readonly now: number;
  /** 0 to 1. */
  readonly random: () => number;
  /** Recipients whose refusal is not believed: held for probation instead of parked. */
  readonly held?: ReadonlySet<number>;
  /** Recipients whose mail was refused because of its body. */
  readonly content?: ReadonlySet<number>;
  /** The primary accepted the DSN parameters of the sender, so it sends the DSNs. */
  readonly dsn?: boolean;
}

/**
 * Decides what an attempt leads to for each recipient of a claimed mail. Recipients without an outcome are released,
 * because nothing was sent for them.
 */
export function settle(
  mail: ClaimedMail,
  outcomes: ReadonlyMap<number, Outcome>,
  facts: SettlementFacts,
): readonly Settlement[] {
  const somebodyTookIt = hasDelivered(outcomes);
  return mail.recipients.map((recipient) => {
    const outcome = outcomes.get(recipient.n) ?? { kind: "released" };
    const again = outcome.kind === "deferred" && somebodyTookIt && isTooMany(outcome.reply);
    const next = again
      ? { state: "waiting" as const, dueAt: facts.now }
      : nextState(outcome, recipient, facts);
    const owes = debt(next, recipient, facts);
    const settlement = { n: recipient.n, outcome, ...next };
    return owes === undefined ? settlement : { ...settlement, owes };
  });
}

type Next = Pick<Settlement, "state" | "reason" | "dueAt">;

function nextState(
  outcome: Outcome,
  { n, attempts, unconfirmed }: ClaimedRecipient,
  { now, random, held, content }: SettlementFacts,
): Next {
  switch (outcome.kind) {
    case "delivered":
      return { state: "gone", reason: "delivered" };
    case "refused":
      return held?.has(n) === true
        ? { state: "held", reason: "probation" }
        : { state: "parked", reason: content?.has(n) === true ? "content" : "refused" };
    case "released":
      return { state: "waiting", dueAt: now };
    case "deferred": {
      const delay = outcome.reply.code === 421 ? brokenDelay : retryDelay;
      return { state: "waiting", dueAt: now + delay(attempts, random) };
    }
    case "unconfirmed":
      return unconfirmed + 1 >= MOST_UNCONFIRMED
        ? { state: "held", reason: "unconfirmed" }
        : { state: "unconfirmed", dueAt: now + retryDelay(unconfirmed, random) };
    case "damaged":
      return { state: "held", reason: "damaged" };
  }
}

/** Returns the DSN that is owed: for a refusal, or for success if the primary sends none (RFC 3461 §5.2.2). */
function debt({ state }: Next, { notify }: ClaimedRecipient, { dsn }: SettlementFacts): DsnKind | undefined {
  if (state === "parked") return "failed";
  const asked = notify !== undefined && wantsDsn(notify, "SUCCESS");
  return state === "gone" && asked && dsn !== true ? "relayed" : undefined;
}

/** RFC 5321 §4.5.3.1.10: the peer accepts no more recipients in this transaction; the others may be sent at once. */
function isTooMany(answer: Reply): boolean {
  return answer.code === 452 && (answer.enhanced === undefined || answer.enhanced === "4.5.3");
}
