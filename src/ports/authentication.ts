/**
 * Sender authentication at receipt: SPF (RFC 7208), DKIM (RFC 6376) and DMARC (RFC 9989). A DNS failure is
 * `temperror`, never an exception; nothing here ever refuses a mail.
 */

export type SpfResult = "none" | "neutral" | "pass" | "fail" | "softfail" | "temperror" | "permerror";

export interface SpfFacts {
  readonly result: SpfResult;
  /** The domain whose policy was evaluated, in A-labels; for the null sender, that of HELO. */
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
  /** The policy that the author's domain requests; absent if it publishes none. */
  readonly policy?: "none" | "quarantine" | "reject";
}

/** The results at receipt, stored with the mail. A result that was not determined is absent. */
export interface Authentication {
  readonly spf?: SpfFacts;
  /** Signatures that verified and cover the whole body, MAX_SIGNATURES at most. */
  readonly dkim?: readonly DkimPass[];
  readonly dmarc?: DmarcFacts;
  /** The domain of all authors in the only From field, in A-labels; absent if there is no single one. */
  readonly fromDomain?: string;
  /**
   * True if the return-path is proven to be the sender's own, so that a bounce reaches nobody else: SPF passed for its
   * domain, or a signature of its domain passed on a mail whose From is the return-path, and SPF was evaluated and did
   * not fail.
   */
  readonly returnPath: boolean;
}

/** Most signatures of one mail that are verified, topmost first. */
export const MAX_SIGNATURES = 8;

export interface SpfQuestion {
  readonly ip: string;
  readonly helo: string;
  /** Empty for the null sender. */
  readonly sender: string;
}

export interface SpfAnswer extends SpfFacts {
  /** Our own sentence that explains the result, in printable ASCII. */
  readonly comment: string;
  /**
   * The domain owner's explanation of a `fail` (RFC 7208 §6.2): a stranger's text, printable ASCII, at most
   * LONGEST_EXPLANATION characters. Absent if there is none, or it cannot be shown.
   */
  readonly explanation?: string;
}

export interface SignatureResult {
  readonly result: "pass" | "fail" | "policy" | "neutral" | "temperror" | "permerror";
  /** Absent if the signature names no valid domain. */
  readonly domain?: string;
  readonly selector?: string;
}

/** What the signatures of a whole mail prove about its author. */
export interface BodyProof {
  /** Empty if the mail is not signed. */
  readonly signatures: readonly SignatureResult[];
  /** The signatures were not checked, because the mail is too large or malformed; that proves nothing against it. */
  readonly unread?: true;
  /** Absent if it was not requested. */
  readonly dmarc?: DmarcFacts;
  readonly fromDomain?: string;
  /** The address in the From field; absent unless there is exactly one field with exactly one address. */
  readonly from?: string;
}

/** Verifies one mail from its first octet to its last. The memory that it uses is bounded. */
export interface BodyVerifier {
  /** Copies what it keeps. If it returns a promise, the caller must await it before the next chunk. */
  feed(chunk: Buffer): Promise<void> | undefined;
  /** Never rejects; answers within 12 s. */
  finish(asked: { readonly dmarc: boolean; readonly spf?: SpfFacts }): Promise<BodyProof>;
  /** Ends the verification; its result is not needed any more. */
  abort(): void;
}

export interface Authenticator {
  /** Evaluates whether the client may send for the domain. Resolves within SPF_PATIENCE, never rejects. */
  spf(question: SpfQuestion): Promise<SpfAnswer>;
  /** Begins the verification of a new mail. */
  verifyBody(): BodyVerifier;
}

/** In characters. */
export const LONGEST_EXPLANATION = 300;

/** Longest time for one evaluation of SPF, in ms. */
export const SPF_PATIENCE = 8000;
