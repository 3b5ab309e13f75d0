import { isAscii, normaliseDomain } from "../../mail/domain.ts";
import type { DmarcFacts, SignatureResult, SpfFacts, SpfResult } from "../../ports/authentication.ts";
import { errorText, type Logger } from "../../runtime/log.ts";
import type { LookUp } from "./lookup.ts";
import { within } from "../../runtime/within.ts";

interface DmarcQuestion {
  /** Addresses of all From fields, and how many fields there are. */
  readonly headerFrom: readonly string[];
  readonly fromFields: number;
  readonly signatures: readonly SignatureResult[];
  /** The signatures could not be verified, because the mail is too large or mailauth failed. */
  readonly skipped: boolean;
  readonly spf?: SpfFacts;
}

interface DmarcParts {
  readonly lookUp: LookUp;
  readonly log: Logger;
  readonly patience?: number;
}

/** Longest evaluation, in ms. */
const PATIENCE = 5000;
const POLICIES: ReadonlySet<string> = new Set(["none", "quarantine", "reject"]);

/** Evaluates DMARC (RFC 9989). A failure that may be due to a DNS failure is reported as `temperror`. */
export async function askDmarc(
  question: DmarcQuestion,
  { lookUp, log, patience = PATIENCE }: DmarcParts,
): Promise<DmarcFacts> {
  try {
    const facts = await within(patience, evaluate(question, lookUp));
    return facts === "late" ? { result: "temperror" } : facts;
  } catch (error) {
    log.warn("authentication.dmarc.failed", { why: errorText(error) });
    return { result: "temperror" };
  }
}

/** Domains that SPF and DKIM confirm for the mail; they count if they are aligned with the author's domain. */
interface Vouchers {
  readonly spfDomains: readonly string[];
  readonly dkimDomains: readonly string[];
}

async function evaluate(question: DmarcQuestion, lookUp: LookUp): Promise<DmarcFacts> {
  const facts = await judge(question, vouchersOf(question, "pass"), lookUp);
  if (facts.result !== "fail") return facts;
  const unsure = question.skipped || (await mightPass(question, lookUp));
  return unsure ? { ...facts, result: "temperror" } : facts;
}

/**
 * Returns true if the mail would pass with every `temperror` of SPF and DKIM counted as a pass. Records that a stranger
 * breaks in a domain of their own change nothing, because such a domain is not aligned with the author's.
 */
async function mightPass(question: DmarcQuestion, lookUp: LookUp): Promise<boolean> {
  const { spfDomains, dkimDomains } = vouchersOf(question, "temperror");
  if (spfDomains.length + dkimDomains.length === 0) return false;
  return (await judge(question, { spfDomains, dkimDomains }, lookUp)).result !== "fail";
}

function vouchersOf(
  { signatures, spf }: DmarcQuestion,
  wanted: SpfResult & SignatureResult["result"],
): Vouchers {
  return {
    spfDomains: spf?.result === wanted ? [spf.domain] : [],
    dkimDomains: signatures.flatMap(({ result, domain }) => (result === wanted ? (domain ?? []) : [])),
  };
}

async function judge(
  { headerFrom, fromFields }: DmarcQuestion,
  vouchers: Vouchers,
  lookUp: LookUp,
): Promise<DmarcFacts> {
  const { evaluateDmarc } = await import("mailauth/lib/dmarc/index.js");
  const { response } = await evaluateDmarc({
    headerFrom: headerFrom.map(inALabels),
    fromFields,
    ...vouchers,
    resolver: lookUp,
    strict: true,
  } as never);
  if (response === false) return { result: "permerror" };
  const { result } = response.status;
  const policy = POLICIES.has(response.policy ?? "")
    ? { policy: response.policy as DmarcFacts["policy"] & {} }
    : {};
  const known = result === "pass" || result === "fail" || result === "none" || result === "temperror";
  return { result: known ? result : "permerror", ...policy };
}

/**
 * Writes the author's domain in A-labels by our own rules. mailauth does not apply the mapping of UTS 46: a domain with
 * an invisible character would look to the reader like the real one, but be another domain without a DMARC policy.
 */
function inALabels(author: string): string {
  if (isAscii(author)) return author;
  const at = author.lastIndexOf("@") + 1;
  return author.slice(0, at) + (normaliseDomain(author.slice(at)) ?? author.slice(at));
}
