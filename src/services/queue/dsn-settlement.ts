import type { Outcome } from "../../mail/outcome.ts";
import type { ClaimedMail, ClaimedRecipient, Settlement } from "../../ports/work-store.ts";
import { MOST_UNCONFIRMED, dsnDelay } from "./schedule.ts";

/** Times in ms. */
interface DsnFacts {
  readonly now: number;
  /** 0 to 1. */
  readonly random: () => number;
  /** How long a DSN is tried. */
  readonly retention: number;
  /** All DSNs were made due during the attempt, so this one is due at once. */
  readonly flushed: boolean;
}

/** Decides what an attempt to deliver a DSN leads to. A DSN that cannot be delivered is deleted without a notice. */
export function settleDsn(mail: ClaimedMail, outcome: Outcome, facts: DsnFacts): readonly Settlement[] {
  const expired = comesAgain(outcome) && facts.now - mail.acceptedAt >= facts.retention;
  const settlement = (recipient: ClaimedRecipient): Settlement => {
    const next: Next = expired ? { state: "gone", reason: "expired" } : nextState(outcome, recipient, facts);
    return { n: recipient.n, outcome, ...next };
  };
  return mail.recipients.map(settlement);
}

function comesAgain({ kind }: Outcome): boolean {
  return kind === "deferred" || kind === "unconfirmed";
}

type Next = Pick<Settlement, "state" | "reason" | "dueAt">;

function nextState(
  outcome: Outcome,
  { attempts, unconfirmed }: ClaimedRecipient,
  { now, random, flushed }: DsnFacts,
): Next {
  const dueAt = flushed ? now : now + dsnDelay(attempts, random);
  switch (outcome.kind) {
    case "delivered":
    case "refused":
    case "damaged":
      return { state: "gone", reason: outcome.kind };
    case "released":
      return { state: "waiting", dueAt: now };
    case "deferred":
      return { state: "waiting", dueAt };
    case "unconfirmed":
      return unconfirmed + 1 >= MOST_UNCONFIRMED
        ? { state: "gone", reason: "unconfirmed" }
        : { state: "unconfirmed", dueAt };
  }
}
