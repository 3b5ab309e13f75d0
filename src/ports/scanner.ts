/**
 * Programs that scan whole bodies: clamd, rspamd. The adapter knows their protocols, the servers to ask and how to fail
 * over between them; the policy knows what a result means for a domain.
 */
import type { ScanServers } from "./checks.ts";
import type { InspectedMail, WholeBody } from "./inspection.ts";

export interface Scanner<R> {
  /** Called before the first octet of a body. Occupies nothing that an idle client could keep occupied. */
  open(mail: InspectedMail, servers: ScanServers): Scan<R>;
}

/** The scan of one body. */
export interface Scan<R> {
  /** As in Inspector. */
  feed(chunk: Buffer): Promise<void> | undefined;
  /** Resolves to the scanner's result; rejects only if the body cannot be read. */
  finish(body: WholeBody): Promise<R | Away>;
  abort(): void;
}

/** No server gave a valid answer. */
export interface Away {
  readonly kind: "away";
  readonly why: string;
}

export type VirusResult =
  | { readonly kind: "clean" }
  /** Printable name of the signature. */
  | { readonly kind: "found"; readonly name: string }
  /** The body is larger than the scanner's limit. */
  | { readonly kind: "oversize" };

/** The actions that rspamd can request; `discard` counts as `reject`. */
export type SpamWord =
  | "no action"
  | "greylist"
  | "add header"
  | "rewrite subject"
  | "soft reject"
  | "quarantine"
  | "reject";

export interface SpamResult {
  readonly kind: "judged";
  readonly word: SpamWord;
  readonly score: number;
  readonly required: number;
  /** Header fields that it requests: well-formed, folded with CRLF, without the final line end. */
  readonly fields: readonly string[];
  /** Its message for the sender; printable. */
  readonly message?: string;
}

export type VirusScanner = Scanner<VirusResult>;
export type SpamScanner = Scanner<SpamResult>;
