/**
 * Programs that scan whole bodies: clamd, rspamd. The adapter knows their protocols, the servers to ask and how to fail
 * over between them; the policy knows what a result means for a domain.
 */
import type { ScanServers } from "./checks.ts";
import type { InspectedMail, WholeBody } from "./inspection.ts";

export interface Scanner<R> {
  /** Before the first octet of a body; opens nothing that an idle client could hold. */
  open(mail: InspectedMail, servers: ScanServers): Scan<R>;
}

/** One body at a scanner. */
export interface Scan<R> {
  /** As in Inspector. */
  feed(chunk: Buffer): Promise<void> | undefined;
  /** What the scanner says; rejects only where the body cannot be read. */
  finish(body: WholeBody): Promise<R | Away>;
  abort(): void;
}

/** No server gave an answer that makes sense. */
export interface Away {
  readonly kind: "away";
  readonly why: string;
}

export type VirusResult =
  | { readonly kind: "clean" }
  /** Printable name of the signature. */
  | { readonly kind: "found"; readonly name: string }
  /** Larger than the scanner looks at. */
  | { readonly kind: "oversize" };

/** What rspamd can request; `discard` counts as `reject`. */
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
  /** Header fields that it asks for, sound and without line ends. */
  readonly fields: readonly string[];
  /** What it wants the sender to read; printable. */
  readonly message?: string;
}

export type VirusScanner = Scanner<VirusResult>;
export type SpamScanner = Scanner<SpamResult>;
