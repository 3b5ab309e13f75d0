import { reply } from "../../mail/reply.ts";
import type { Verdict } from "../../mail/verdict.ts";

type Refusal = Extract<Verdict, { readonly kind: "defer" | "reject" }>;

/** A refusal with 451 or 550. `detail` is the end of the enhanced code, such as `7.1`; undefined words are left out. */
export function refusal(
  kind: Refusal["kind"],
  detail: string,
  words: readonly (string | undefined)[],
): Refusal {
  const text = words.filter(Boolean).join("; ");
  return {
    kind,
    reply: kind === "defer" ? reply(451, `4.${detail}`, text) : reply(550, `5.${detail}`, text),
  };
}

/** The verdict of a check that failed: temporary, so that no mail is lost. */
export const TROUBLE: Verdict = refusal("defer", "3.0", ["Temporary trouble, try again later"]);
