import type { Authentication, DkimPass, SpfAnswer, SpfFacts } from "../../ports/authentication.ts";

/** What was found out about one mail. */
export interface Evidence {
  /** Empty for the null sender. */
  readonly sender: string;
  readonly spf?: SpfAnswer;
  readonly dkim?: readonly DkimPass[];
  readonly dmarc?: Authentication["dmarc"];
  readonly fromDomain?: string;
  /** The one author, as an address. */
  readonly from?: string;
}

/** The facts that are stored with the mail; undefined where nothing was asked. */
export function authenticationOf(evidence: Evidence): Authentication | undefined {
  const { spf, dkim, dmarc, fromDomain } = evidence;
  if (spf === undefined && dkim === undefined && dmarc === undefined) return undefined;
  const facts = spf && { result: spf.result, domain: spf.domain, identity: spf.identity };
  return {
    ...(facts !== undefined && { spf: facts }),
    ...(dkim !== undefined && { dkim }),
    ...(dmarc !== undefined && { dmarc }),
    ...(fromDomain !== undefined && { fromDomain }),
    returnPath: isReturnPathProven(evidence, facts),
  };
}

/**
 * Whether a bounce would reach who sent the mail and nobody else. SPF that was not asked, or could not be, is no
 * "did not fail": a signed mail may be sent again by anybody, to anybody.
 */
function isReturnPathProven({ sender, dkim = [], from }: Evidence, spf: SpfFacts | undefined): boolean {
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
