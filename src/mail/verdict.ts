import type { Reply } from "./reply.ts";

/** What a check, or all checks together, say of a client, a recipient or a header. */
export type Verdict = (
  | { readonly kind: "accept" }
  | { readonly kind: "tag"; readonly field: string }
  | { readonly kind: "defer"; readonly reply: Reply }
  | { readonly kind: "reject"; readonly reply: Reply }
) & {
  /** What was seen, in a few words, for operators. */
  readonly note?: string;
};

/** What an inspection says of a body; nothing but an inspection sets mail aside. */
export type BodyVerdict = Verdict | { readonly kind: "quarantine"; readonly why: string };

export const ACCEPT: Verdict = { kind: "accept" };

/** Nothing against it, and what was seen. */
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

/** The strictest of several, with the fields of all that tag where nothing stricter is said. */
export function together(verdicts: readonly Verdict[]): Verdict {
  const worst = strictest(verdicts);
  if (worst.kind !== "tag") return worst;
  const fields = verdicts.flatMap((verdict) => (verdict.kind === "tag" ? [verdict.field] : []));
  return { kind: "tag", field: [...new Set(fields)].join("\r\n") };
}

/** The strictest of several verdicts; the first of equals, so that the order of checks decides the words. */
export function strictest<V extends BodyVerdict>(verdicts: readonly V[]): V | Verdict {
  let worst: V | Verdict = ACCEPT;
  for (const verdict of verdicts) worst = stricter<V | Verdict>(worst, verdict);
  return worst;
}

/** The second where it is stricter than the first. */
export function stricter<V extends BodyVerdict>(first: V, second: V): V {
  return SEVERITY[second.kind] > SEVERITY[first.kind] ? second : first;
}
