import type { Verdict } from "../../../mail/verdict.ts";
import type { CheckAction } from "../../../ports/checks.ts";
import { refusal } from "../refusal.ts";

/** What a check found wrong. */
export interface Fault {
  /** Short word for the header field, such as `no-such-domain`. */
  readonly name: string;
  /** One sentence for the sender; nothing of what the client said is in it. */
  readonly words: string;
  /** Subject and detail of the enhanced code, such as `1.8`. */
  readonly detail: string;
  /** What somebody else says of it, with their name; it ends the reply, so that no words of ours seem to be theirs. */
  readonly quote?: string;
}

/** The verdict that an operator's choice makes of a fault. */
export function judgeFault(
  check: string,
  fault: Fault,
  { action, contact }: { readonly action: CheckAction; readonly contact: string | undefined },
): Verdict {
  if (action === "tag") return { kind: "tag", field: `X-Holdfast-${check}: ${fault.name}` };
  return refusal(action, fault.detail, [fault.words, contact, fault.quote]);
}
