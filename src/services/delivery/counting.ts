import type { ClaimedMail, Settlement } from "../../ports/queue.ts";

export function recipientsOf(mails: readonly ClaimedMail[]): number {
  return mails.reduce((sum, mail) => sum + mail.recipients.length, 0);
}

export function countDelivered(settlements: readonly Settlement[] = []): number {
  return settlements.filter(({ outcome }) => outcome.kind === "delivered").length;
}
