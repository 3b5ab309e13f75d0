import type { Outcome } from "../../mail/outcome.ts";
import type { ClaimedMail, ClaimedRecipient, Settlement } from "../../ports/queue.ts";
import { MOST_UNCONFIRMED, noticeDelay } from "./schedule.ts";

/** Times in ms. */
export interface NoticeFacts {
  readonly now: number;
  /** 0 to 1. */
  readonly random: () => number;
  /** How long a notice is tried. */
  readonly retention: number;
  /** All notices were made due meanwhile: this one comes again at once. */
  readonly flushed: boolean;
}

/** What an attempt to hand a notice over leads to. Nobody is told of a notice: what cannot be delivered goes. */
export function settleNotice(mail: ClaimedMail, outcome: Outcome, facts: NoticeFacts): readonly Settlement[] {
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
  { now, random, flushed }: NoticeFacts,
): Next {
  const dueAt = flushed ? now : now + noticeDelay(attempts, random);
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
