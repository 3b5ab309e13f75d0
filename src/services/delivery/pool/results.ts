import type { SendResult } from "../../../ports/smtp-client.ts";
import type { ClaimedMail } from "../../../ports/work-store.ts";
import type { Passed } from "./ramp.ts";

/** What the reply to a mail shows about its primary; undefined if the mail was not offered, or nothing was sent. */
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

/** Whether the primary ended the session with 421 in reply to this mail. */
export function closedBy421({ trouble }: SendResult): boolean {
  return trouble?.stage === "session" && trouble.reply?.code === 421;
}

/**
 * Whether the mail was in flight when a connection was cut: it may be the mail at which the primary always hangs up, or
 * may have been in flight beside it.
 */
export function isInDoubt({ recipients }: ClaimedMail): boolean {
  return recipients.some(({ unconfirmed }) => unconfirmed > 0);
}
