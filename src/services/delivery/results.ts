import type { SendResult } from "../../ports/smtp-client.ts";
import type { Passed } from "./ramp.ts";

/** What an answered mail tells of its primary; undefined when it was given back as it was. */
export function passedBy({ outcomes, took }: SendResult): Passed | undefined {
  const kinds = Array.from(outcomes.values(), ({ kind }) => kind).filter((kind) => kind !== "released");
  if (kinds.length === 0) return undefined;
  return { took, putOff: kinds.every((kind) => kind === "deferred") };
}

/** The primary ended the session by 421 in answer to this mail. */
export function wasDismissed({ trouble }: SendResult): boolean {
  return trouble?.stage === "session" && trouble.reply?.code === 421;
}
