import { reply } from "../../mail/reply.ts";
import type { Verdict } from "../../mail/verdict.ts";

type Refusal = Extract<Verdict, { readonly kind: "defer" | "reject" }>;

/** 451 or 550 with the subject and detail of the enhanced code, such as `7.1`; words that are absent are left out. */
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

/** A check that broke must not cost a mail. */
export const TROUBLE: Verdict = refusal("defer", "3.0", ["Temporary trouble, try again later"]);
