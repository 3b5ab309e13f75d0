import type {
  Authentication,
  BodyProof,
  DkimPass,
  SignatureResult,
  SpfAnswer,
  SpfFacts,
} from "../../ports/authentication.ts";

/** Who stands behind a mail, as far as SPF, DKIM and DMARC tell: to be stored, and to be told (RFC 8601). */
export interface AuthenticationResults {
  readonly authentication: Authentication;
  readonly spf?: SpfAnswer;
  /** Absent where nobody looked. */
  readonly signatures?: readonly SignatureResult[];
}

/** What they are made of. */
export interface SenderEvidence {
  /** Empty for the null sender. */
  readonly sender: string;
  readonly spf?: SpfAnswer;
  readonly proof?: BodyProof;
}

/** Undefined where nothing was asked. */
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
 * Whether a bounce would reach whoever sent the mail, and nobody else. SPF that was not asked, or could not be, does not
 * count as not failed: a signed mail may be sent again by anybody, to anybody.
 */
function isReturnPathProven(sender: string, spf: SpfFacts | undefined, { dkim = [], from }: Signed): boolean {
  if (sender === "" || spf === undefined) return false;
  if (spf.result === "pass") return true;
  if (spf.result === "fail" || spf.result === "temperror") return false;
  return isSameMailbox(from, sender) && dkim.some(({ domain }) => speaksFor(domain, sender));
}

/** RFC 5321 §2.4: local parts of others are compared as they are, domains without case. */
function isSameMailbox(from: string | undefined, sender: string): boolean {
  if (from === undefined) return false;
  const [local, domain] = split(from);
  const [other, home] = split(sender);
  return local === other && domain === home;
}

/** A domain signs for itself and for those below it. */
function speaksFor(signer: string, sender: string): boolean {
  const [, domain] = split(sender);
  return domain === signer || domain.endsWith(`.${signer}`);
}

function split(address: string): readonly [string, string] {
  const at = address.lastIndexOf("@");
  return [address.slice(0, at), address.slice(at + 1).toLowerCase()];
}
