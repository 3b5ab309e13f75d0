import type { Verdict } from "../../../mail/verdict.ts";
import type { CheckAction } from "../../../ports/checks.ts";
import { refusal } from "../refusal.ts";

/** A fault that a check found. */
export interface Fault {
  /** Short word for the header field, such as `no-such-domain`. */
  readonly name: string;
  /** One sentence for the sender, without any text from the client. */
  readonly words: string;
  /** Subject and detail of the enhanced code, such as `1.8`. */
  readonly detail: string;
  /** Words of a third party, with its name. They end the reply, so that our words cannot be mistaken for theirs. */
  readonly quote?: string;
}

/** The verdict on a fault, according to the action that the operator chose. */
export function judgeFault(
  check: string,
  fault: Fault,
  { action, contact }: { readonly action: CheckAction; readonly contact: string | undefined },
): Verdict {
  if (action === "tag") return { kind: "tag", field: `X-Holdfast-${check}: ${fault.name}` };
  return refusal(action, fault.detail, [fault.words, contact, fault.quote]);
}
