import type { Reply } from "./reply.ts";

/** The verdict of a check, or of all checks together, on a client, a recipient or a header. */
export type Verdict = (
  | { readonly kind: "accept" }
  | { readonly kind: "tag"; readonly field: string }
  | { readonly kind: "defer"; readonly reply: Reply }
  | { readonly kind: "reject"; readonly reply: Reply }
) & {
  /** What was found, in a few words, for operators. */
  readonly note?: string;
};

/** The verdict of an inspection on a body; only inspections can quarantine mail. */
export type BodyVerdict = Verdict | { readonly kind: "quarantine"; readonly why: string };

export const ACCEPT: Verdict = { kind: "accept" };

/** Makes an accepting verdict with a note of what was found. */
export function accepted(note: string): Verdict {
  return { kind: "accept", note };
}

const SEVERITY: Readonly<Record<BodyVerdict["kind"], number>> = {
  accept: 0,
  tag: 1,
  quarantine: 2,
  defer: 3,
  reject: 4,
};

/** Merges verdicts into the strictest; if that is `tag`, it has the fields of all verdicts that tag. */
export function together(verdicts: readonly Verdict[]): Verdict {
  const worst = strictest(verdicts);
  if (worst.kind !== "tag") return worst;
  const fields = verdicts.flatMap((verdict) => (verdict.kind === "tag" ? [verdict.field] : []));
  return { kind: "tag", field: [...new Set(fields)].join("\r\n") };
}

/** Returns the strictest verdict; of equal ones the first, so that the order of checks decides the reply's text. */
export function strictest<V extends BodyVerdict>(verdicts: readonly V[]): V | Verdict {
  let worst: V | Verdict = ACCEPT;
  for (const verdict of verdicts) worst = stricter<V | Verdict>(worst, verdict);
  return worst;
}

/** Returns the second verdict if it is stricter than the first, otherwise the first. */
export function stricter<V extends BodyVerdict>(first: V, second: V): V {
  return SEVERITY[second.kind] > SEVERITY[first.kind] ? second : first;
}
