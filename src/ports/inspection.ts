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

/** How the recipients of one mail want its content treated; all of them share one, because one body gets one answer. */
export interface ContentView {
  /** What their domains have of their own; absent: nothing. */
  readonly own: DomainChecks | undefined;
  /** Spared judgements of reputation, such as spam: postmaster, and whom the operator allows. */
  readonly exempt: boolean;
}

/** The mail whose body comes. */
export interface InspectedMail extends ContentView {
  readonly id: string;
  readonly client: ClientFacts;
  /** Empty for the null sender. */
  readonly sender: string;
  /** Octets that the client announced; 0 when it did not. */
  readonly announced: number;
  readonly recipients: readonly string[];
  /** Whether the client may send for the sender's domain; absent where nobody asked. */
  readonly spf?: Promise<SpfAnswer>;
}

/** A body that is complete. */
export interface WholeBody {
  readonly size: number;
  readonly facts: HeaderFacts;
  /** All of it once more, from memory or disk; several may read at a time. */
  read(): AsyncIterable<Buffer>;
}

/** What an inspector says of a body. */
export interface Inspected {
  /** `tag`: taken, with this field on top; `quarantine`: taken, and its recipients are held. */
  readonly verdict: BodyVerdict;
  /** Header fields of ours, without the line end, that stand on top whatever becomes of a mail that is taken. */
  readonly fields?: readonly string[];
  /** Remarks for the trace. */
  readonly notes?: readonly string[];
  /** Who wrote it, as its signatures say. */
  readonly proof?: BodyProof;
}

export interface Inspection {
  readonly name: string;
  /** Recipients for whom this differs cannot share a mail; empty where it does nothing. */
  profile(view: ContentView): string;
  /** When a body begins; undefined: it does not inspect this mail. */
  begin(mail: InspectedMail): Inspector | undefined;
  /** What happens to a mail whose inspector failed or did not answer in time. */
  lost?(mail: InspectedMail, why: string): Inspected;
}

export interface Inspector {
  /**
   * The next octets as they will be stored, cut anywhere. The memory is the store's once this returns: what is to be
   * kept must be copied. A promise: wait before the next; rejecting or waiting above 5 s, the inspector is lost.
   */
  feed(chunk: Buffer): Promise<void> | undefined;
  /** After the last octet. */
  finish(body: WholeBody): Promise<Inspected>;
  /** Nobody waits for it any more. Safe at any time, once or twice. */
  abort(): void;
}
