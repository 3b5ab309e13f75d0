/** Adds up the counts of the queue as responses contain them. */
import type { QueueCount } from "../../ports/operator.ts";
import type { RecipientState } from "../../ports/recipient-state.ts";

export interface Amounts {
  /** Recipients by state; those that are gone are not counted. */
  readonly mail: Partial<Record<RecipientState, number>>;
  /** When the oldest of them was accepted. */
  readonly oldest?: number;
}

export function amountOf(counts: readonly QueueCount[]): Amounts {
  const mail: Partial<Record<RecipientState, number>> = {};
  let oldest = Infinity;
  for (const count of counts) {
    if (count.state === "gone" || count.recipients === 0) continue;
    mail[count.state] = (mail[count.state] ?? 0) + count.recipients;
    oldest = Math.min(oldest, count.oldest);
  }
  return { mail, ...(oldest !== Infinity && { oldest }) };
}
