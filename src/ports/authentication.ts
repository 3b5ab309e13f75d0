/**
 * Sender authentication at receipt: SPF (RFC 7208), DKIM (RFC 6376) and DMARC (RFC 9989). A DNS failure is
 * `temperror`, never an exception; nothing here ever refuses a mail.
 */

export type SpfResult = "none" | "neutral" | "pass" | "fail" | "softfail" | "temperror" | "permerror";

export interface SpfFacts {
  readonly result: SpfResult;
  /** The domain that was asked, in A-labels; of HELO for the null sender. */
  readonly domain: string;
  readonly identity: "mailfrom" | "helo";
}

/** A signature that verified. */
export interface DkimPass {
  /** A-labels, lower case. */
  readonly domain: string;
  readonly selector: string;
}

export interface DmarcFacts {
  readonly result: "none" | "pass" | "fail" | "temperror" | "permerror";
  /** What the author's domain asks for; absent where it publishes nothing. */
  readonly policy?: "none" | "quarantine" | "reject";
}

/** What was found at receipt and is stored with the mail. What was not looked at is absent. */
export interface Authentication {
  readonly spf?: SpfFacts;
  /** Signatures that verified and cover the whole body, MAX_SIGNATURES at most. */
  readonly dkim?: readonly DkimPass[];
  readonly dmarc?: DmarcFacts;
  /** Domain of the one From field with its one author, A-labels; absent where it is not that clear. */
  readonly fromDomain?: string;
  /**
   * The return-path is the sender's own, so that a bounce hits nobody else: SPF passed for its domain, or a
   * signature of its domain passed on a mail whose From is the return-path, and SPF was asked and did not fail.
   */
  readonly returnPath: boolean;
}

/** Signatures of one mail that are looked at, topmost first. */
export const MAX_SIGNATURES = 8;

export interface SpfQuestion {
  readonly ip: string;
  readonly helo: string;
  /** Empty for the null sender. */
  readonly sender: string;
}

export interface SpfAnswer extends SpfFacts {
  /** A sentence of ours why, printable ASCII, for people. */
  readonly comment: string;
  /**
   * What the domain's owner says of a `fail` (RFC 7208 §6.2): words of a stranger, printable ASCII, at most
   * LONGEST_EXPLANATION characters. Absent where the domain says nothing, or nothing that can be told.
   */
  readonly explanation?: string;
}

export interface SignatureResult {
  readonly result: "pass" | "fail" | "policy" | "neutral" | "temperror" | "permerror";
  /** Absent where the signature names nothing that could be one. */
  readonly domain?: string;
  readonly selector?: string;
}

/** What a whole body proves about its author. */
export interface BodyProof {
  /** Empty: the mail is not signed. */
  readonly signatures: readonly SignatureResult[];
  /** The signatures were not checked, because the mail is too large or malformed; that proves nothing against it. */
  readonly unread?: true;
  /** Absent where it was not asked for. */
  readonly dmarc?: DmarcFacts;
  readonly fromDomain?: string;
  /** Address of the one author in the one From field. */
  readonly from?: string;
}

/** Looks at one mail from its first octet to its last. What it keeps is bounded. */
export interface BodyVerifier {
  /** Copies what it keeps. A promise: wait before the next chunk. */
  feed(chunk: Buffer): Promise<void> | undefined;
  /** Never rejects; answers within 12 s. */
  finish(asked: { readonly dmarc: boolean; readonly spf?: SpfFacts }): Promise<BodyProof>;
  /** Nobody waits any more. */
  abort(): void;
}

export interface Authenticator {
  /** Asks the DNS whether the client may send for the domain; answers within SPF_PATIENCE, never rejects. */
  spf(question: SpfQuestion): Promise<SpfAnswer>;
  /** Begins with a new mail. */
  verifyBody(): BodyVerifier;
}

/** Characters. */
export const LONGEST_EXPLANATION = 300;

/** Longest time for one evaluation of SPF, in ms. */
export const SPF_PATIENCE = 8000;
