import type { SendResult } from "../../../ports/smtp-client.ts";
import type { ClaimedMail } from "../../../ports/work-store.ts";
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

/** The primary ended the session by 421 in answer to this mail. */
export function closedBy421({ trouble }: SendResult): boolean {
  return trouble?.stage === "session" && trouble.reply?.code === 421;
}

/** It was in flight at a cut: it may be the mail at which the primary always hangs up, or have been beside that one. */
export function isInDoubt({ recipients }: ClaimedMail): boolean {
  return recipients.some(({ unconfirmed }) => unconfirmed > 0);
}
