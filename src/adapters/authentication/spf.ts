import { normaliseDomain } from "../../mail/domain.ts";
import { shortened } from "../../mail/reply.ts";
import {
  LONGEST_EXPLANATION,
  SPF_PATIENCE,
  type SpfAnswer,
  type SpfQuestion,
  type SpfResult,
} from "../../ports/authentication.ts";
import { errorText, type Logger } from "../../runtime/log.ts";
import type { LookUp } from "./lookup.ts";

interface SpfParts {
  readonly lookUp: LookUp;
  readonly hostname: string;
  readonly log: Logger;
  readonly patience?: number;
}

const RESULTS: ReadonlySet<string> = new Set([
  "none",
  "neutral",
  "pass",
  "fail",
  "softfail",
  "temperror",
  "permerror",
]);

/** Evaluates check_host() of RFC 7208 §4, with its limits on lookups, void lookups and time. Never rejects. */
export async function askSpf(question: SpfQuestion, parts: SpfParts): Promise<SpfAnswer> {
  const { result, ...told } = await evaluate(question, parts);
  const { sender, helo } = question;
  const identity = sender === "" ? "helo" : "mailfrom";
  const text = sender === "" ? helo : sender.slice(sender.lastIndexOf("@") + 1);
  // A string that is not a domain has no policy, and the stranger's text must not appear in our results.
  const domain = normaliseDomain(text) ?? "invalid";
  return { result, domain, identity, comment: commentOn(result, { domain, ip: question.ip }), ...told };
}

type Evaluated = Pick<SpfAnswer, "result" | "explanation">;

async function evaluate({ ip, helo, sender }: SpfQuestion, parts: SpfParts): Promise<Evaluated> {
  try {
    const { spf } = await import("mailauth/lib/spf/index.js");
    const { status, explanation = "" } = await spf({
      ip,
      helo,
      sender,
      mta: parts.hostname,
      resolver: parts.lookUp as never,
      strict: true,
      maxElapsedTime: parts.patience ?? SPF_PATIENCE,
    });
    const result = RESULTS.has(status.result) ? (status.result as SpfResult) : "temperror";
    return result === "fail" && isTellable(explanation)
      ? { result, explanation: shortened(explanation.trim(), LONGEST_EXPLANATION) }
      : { result };
  } catch (error) {
    parts.log.warn("authentication.spf.failed", { ip, why: errorText(error) });
    return { result: "temperror" };
  }
}

/** mailauth checks the record before it expands the macros, and these insert text that the client sent. */
function isTellable(explanation: string): boolean {
  return /^[\x20-\x7e]+$/.test(explanation) && explanation.trim() !== "";
}

function commentOn(result: SpfResult, { domain, ip }: { domain: string; ip: string }): string {
  const words: Readonly<Record<SpfResult, string>> = {
    pass: `${domain} lists ${ip} as a sender`,
    fail: `${domain} does not list ${ip} as a sender`,
    softfail: `${domain} does not list ${ip} and is unsure`,
    neutral: `${domain} says nothing about ${ip}`,
    none: `${domain} has no policy`,
    temperror: `the policy of ${domain} could not be read`,
    permerror: `the policy of ${domain} is malformed`,
  };
  return words[result];
}
