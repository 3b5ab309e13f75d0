import type {
  Authentication,
  BodyProof,
  DkimPass,
  SignatureResult,
  SpfAnswer,
  SpfFacts,
} from "../../ports/authentication.ts";

/** Results of SPF, DKIM and DMARC for one mail, to be stored with it and written into its header (RFC 8601). */
export interface AuthenticationResults {
  readonly authentication: Authentication;
  readonly spf?: SpfAnswer;
  /** Undefined if signatures were not verified. */
  readonly signatures?: readonly SignatureResult[];
}

/** What the results are computed from. */
export interface SenderEvidence {
  /** Empty for the null sender. */
  readonly sender: string;
  readonly spf?: SpfAnswer;
  readonly proof?: BodyProof;
}

/** Undefined if neither SPF nor signatures were checked. */
export function resultsOf(evidence: SenderEvidence): AuthenticationResults | undefined {
  const { spf, proof } = evidence;
  if (spf === undefined && proof === undefined) return undefined;
  return {
    authentication: authenticationOf(evidence),
    ...(spf !== undefined && { spf }),
    ...(proof !== undefined && { signatures: proof.signatures }),
  };
}

function authenticationOf({ sender, spf, proof }: SenderEvidence): Authentication {
  const facts = spf && { result: spf.result, domain: spf.domain, identity: spf.identity };
  const dkim = proof?.signatures.flatMap(passOf);
  const { dmarc, fromDomain, from } = proof ?? {};
  return {
    ...(facts !== undefined && { spf: facts }),
    ...(dkim !== undefined && { dkim }),
    ...(dmarc !== undefined && { dmarc }),
    ...(fromDomain !== undefined && { fromDomain }),
    returnPath: isReturnPathProven(sender, facts, { dkim, from }),
  };
}

function passOf({ result, domain, selector }: SignatureResult): readonly DkimPass[] {
  return result === "pass" && domain !== undefined && selector !== undefined ? [{ domain, selector }] : [];
}

interface Signed {
  readonly dkim: readonly DkimPass[] | undefined;
  readonly from: string | undefined;
}

/**
 * Whether a bounce would reach the sender of the mail, and nobody else. A signature alone does not prove that, because
 * anybody can send a signed mail again, to anybody: SPF must have been checked without a failure or an error.
 */
function isReturnPathProven(sender: string, spf: SpfFacts | undefined, { dkim = [], from }: Signed): boolean {
  if (sender === "" || spf === undefined) return false;
  if (spf.result === "pass") return true;
  if (spf.result === "fail" || spf.result === "temperror") return false;
  return isSameMailbox(from, sender) && dkim.some(({ domain }) => speaksFor(domain, sender));
}

/** RFC 5321 §2.4: compares local parts exactly, and domains regardless of case. */
function isSameMailbox(from: string | undefined, sender: string): boolean {
  if (from === undefined) return false;
  const [local, domain] = split(from);
  const [other, home] = split(sender);
  return local === other && domain === home;
}

/** Whether a signing domain is the sender's domain or a parent of it. */
function speaksFor(signer: string, sender: string): boolean {
  const [, domain] = split(sender);
  return domain === signer || domain.endsWith(`.${signer}`);
}

function split(address: string): readonly [string, string] {
  const at = address.lastIndexOf("@");
  return [address.slice(0, at), address.slice(at + 1).toLowerCase()];
}
