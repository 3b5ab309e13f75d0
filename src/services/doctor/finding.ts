export type Verdict = "ok" | "warn" | "fail";

/** What is checked: first for the server, then for a domain. */
export const TOPICS = [
  "name",
  "reverse",
  "port",
  "certificate",
  "mx",
  "primary",
  "recipients",
  "mta-sts",
] as const;
type Topic = (typeof TOPICS)[number];

export interface Finding {
  readonly what: Topic;
  /** `warn`: mail flows, but something is wrong or could not be looked up. */
  readonly verdict: Verdict;
  /** One sentence. */
  readonly text: string;
  /** The DNS record that would correct it, in zone file syntax. */
  readonly record?: string;
}

export function finding(what: Topic, verdict: Verdict, text: string, record?: string): Finding {
  return { what, verdict, text, ...(record !== undefined && { record }) };
}

/** Joins texts as `a, b and c`. */
export function listed(texts: readonly string[]): string {
  const last = texts.at(-1) ?? "";
  return texts.length < 2 ? last : `${texts.slice(0, -1).join(", ")} and ${last}`;
}
