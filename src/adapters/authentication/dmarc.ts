import { normaliseDomain } from "../../mail/domain.ts";
import type { DmarcFacts, SignatureResult, SpfFacts } from "../../ports/authentication.ts";
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
/** Authors that are looked at; a mail with more has no clear author. */
const MOST_AUTHORS = 20;
const POLICIES: ReadonlySet<string> = new Set(["none", "quarantine", "reject"]);

/** DMARC by RFC 9989; a failure that trouble of the DNS may have caused is `temperror`. */
export async function askDmarc(
  question: DmarcQuestion,
  { lookUp, log, patience = PATIENCE }: DmarcParts,
): Promise<DmarcFacts> {
  if (question.headerFrom.length > MOST_AUTHORS) return { result: "permerror" };
  try {
    const facts = await within(patience, evaluate(question, lookUp));
    return facts === "late" ? { result: "temperror" } : facts;
  } catch (error) {
    log.warn("authentication.dmarc.failed", { why: errorText(error) });
    return { result: "temperror" };
  }
}

async function evaluate(question: DmarcQuestion, lookUp: LookUp): Promise<DmarcFacts> {
  const { headerFrom, fromFields, signatures, spf } = question;
  const { evaluateDmarc } = await import("mailauth/lib/dmarc/index.js");
  const passed = signatures.filter(({ result }) => result === "pass");
  const { response } = await evaluateDmarc({
    headerFrom: [...headerFrom],
    fromFields,
    spfDomains: spf?.result === "pass" ? [spf.domain] : [],
    dkimDomains: passed.flatMap(({ domain }) => domain ?? []),
    resolver: lookUp,
    strict: true,
  } as never);
  if (response === false) return { result: "permerror" };
  const { result } = response.status;
  const policy = POLICIES.has(response.policy ?? "")
    ? { policy: response.policy as DmarcFacts["policy"] & {} }
    : {};
  const unsure = question.skipped || mayHaveAligned(question);
  if (result === "fail") return { result: unsure ? "temperror" : "fail", ...policy };
  const known = result === "pass" || result === "none" || result === "temperror";
  return { result: known ? result : "permerror", ...policy };
}

/** What a stranger breaks in his own part of the DNS is no excuse: only the author's part counts. */
function mayHaveAligned({ headerFrom: [author = ""], signatures, spf }: DmarcQuestion): boolean {
  const home = normaliseDomain(author.slice(author.lastIndexOf("@") + 1)) ?? "";
  const troubled = [...signatures, ...(spf === undefined ? [] : [spf])];
  return troubled.some(({ result, domain = "" }) => result === "temperror" && isKin(domain, home));
}

function isKin(one: string, other: string): boolean {
  return one !== "" && (one === other || one.endsWith(`.${other}`) || other.endsWith(`.${one}`));
}
