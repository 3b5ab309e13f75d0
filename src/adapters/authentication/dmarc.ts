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
  /** The mail could not be looked at, whatever its signatures are. */
  readonly skipped: boolean;
  readonly spf?: SpfFacts;
}

interface DmarcParts {
  readonly lookUp: LookUp;
  readonly log: Logger;
  readonly patience?: number;
}

/** How long one question may take, in ms. */
const PATIENCE = 5000;
const POLICIES: ReadonlySet<string> = new Set(["none", "quarantine", "reject"]);

/** DMARC by RFC 9989; a failure that trouble of the DNS may have caused is `temperror`. */
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

/** What is asked of mailauth: domains that speak for the mail, if they are the author's. */
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
 * Whether the mail would not fail if all that could not be found out were good. What a stranger breaks in his own
 * part of the DNS is no excuse: it would not have spoken for the author.
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
 * An author as our own words on him have him. mailauth makes A-labels without the mapping of UTS 46: a domain with a
 * character that nobody sees would be another one than who reads it takes it for, and have no policy.
 */
function inALabels(author: string): string {
  if (isAscii(author)) return author;
  const at = author.lastIndexOf("@") + 1;
  return author.slice(0, at) + (normaliseDomain(author.slice(at)) ?? author.slice(at));
}
