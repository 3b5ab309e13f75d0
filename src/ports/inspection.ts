/**
 * Inspections of a body before the mail is accepted: scanners, signatures. An inspector learns of a mail when its body
 * begins, sees the octets while they arrive, and reports its result at the end; only then is the queue asked to store
 * the mail.
 *
 * For one mail an inspector is `watching` (feed), `judging` (finish), then done. Invariants: it never changes the
 * octets; what it keeps of a body is bounded; a slow inspector delays the client (feed) only for a bounded time, and all
 * together have 20 s after the last octet. An inspector that has not answered by then is lost, and a later answer is
 * ignored. `lost` decides what happens to the mail; without `lost`, it is 451.
 */
import type { HeaderFacts } from "../mail/header-scanner.ts";
import type { BodyVerdict } from "../mail/verdict.ts";
import type { BodyProof, SpfAnswer } from "./authentication.ts";
import type { DomainChecks } from "./checks.ts";
import type { ClientFacts } from "./intake.ts";

/** The content settings of a mail's recipients. All recipients share them, because one body gets one reply. */
export interface ContentView {
  /** Settings of the recipients' domains that differ from the general ones; absent: none. */
  readonly own: DomainChecks | undefined;
  /** Exempt from checks of reputation, such as spam: mail for postmaster, and from allowed clients and senders. */
  readonly exempt: boolean;
}

/** The mail whose body arrives. */
export interface InspectedMail extends ContentView {
  readonly id: string;
  readonly client: ClientFacts;
  /** Empty for the null sender. */
  readonly sender: string;
  /** Octets that the client announced; 0 if it announced nothing. */
  readonly announced: number;
  readonly recipients: readonly string[];
  /** The SPF answer for the client and the sender's domain; absent if SPF is off. */
  readonly spf?: Promise<SpfAnswer>;
}

/** A complete body. */
export interface WholeBody {
  readonly size: number;
  readonly facts: HeaderFacts;
  /** Reads all of it again, from memory or disk; several readers at once are allowed. */
  read(): AsyncIterable<Buffer>;
}

/** The result of an inspection. */
export interface Inspected {
  /** `tag`: accepted, with this field on top; `quarantine`: accepted, and its recipients are held. */
  readonly verdict: BodyVerdict;
  /** Our own header fields, without the line end, put on top of the mail if it is accepted, whatever the verdict. */
  readonly fields?: readonly string[];
  /** Remarks for the trace. */
  readonly notes?: readonly string[];
  /** What the signatures prove about the author. */
  readonly proof?: BodyProof;
}

export interface Inspection {
  readonly name: string;
  /** Recipients with different profiles cannot share a mail. Empty if the inspection is off. */
  profile(view: ContentView): string;
  /** Called when a body begins; undefined if the inspection does not apply to this mail. */
  begin(mail: InspectedMail): Inspector | undefined;
  /** Decides about a mail whose inspector failed or did not answer in time. */
  lost?(mail: InspectedMail, why: string): Inspected;
}

export interface Inspector {
  /**
   * Takes the next octets as they will be stored, in chunks of any length. The store may overwrite the memory once
   * this returns, so what is kept must be copied. If it returns a promise, the caller awaits it before the next chunk;
   * if the promise rejects or takes longer than 5 s, the inspector is lost.
   */
  feed(chunk: Buffer): Promise<void> | undefined;
  /** Called after the last octet. */
  finish(body: WholeBody): Promise<Inspected>;
  /** Ends the inspection; its result is not needed any more. Safe at any time, also twice. */
  abort(): void;
}
