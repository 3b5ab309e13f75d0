export type Verdict = "ok" | "warn" | "fail";

/** What was looked at: of the server, then of a domain. */
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
  /** `warn`: mail comes and goes, but something is not as it should be, or could not be asked. */
  readonly verdict: Verdict;
  /** One sentence. */
  readonly text: string;
  /** The DNS record that would mend it, as a zone file has it. */
  readonly record?: string;
}

/** One verdict on one topic. */
export function finding(what: Topic, verdict: Verdict, text: string, record?: string): Finding {
  return { what, verdict, text, ...(record !== undefined && { record }) };
}

/** `a, b and c`. */
export function listed(texts: readonly string[]): string {
  const last = texts.at(-1) ?? "";
  return texts.length < 2 ? last : `${texts.slice(0, -1).join(", ")} and ${last}`;
}
