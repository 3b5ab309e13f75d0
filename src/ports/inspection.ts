/**
 * Those who look at a body before it is promised: scanners, signatures. Each is told of a mail when its body begins,
 * watches the octets while they arrive, and says at the end what it found; only then the queue is asked to store.
 *
 * For one mail an inspector is `watching` (feed), `judging` (finish), then done. Invariants: it never changes what it
 * is shown; what it keeps of a body is bounded; a slow one holds the client back (feed) only for a bounded time, and
 * all together have 20 s after the last octet. Whoever has not answered then is as good as lost, and its late word
 * counts for nothing. A lost inspector says through `lost` what becomes of the mail; where it has no `lost`, 451.
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
  /** When a body begins; undefined: this mail is none of its business. */
  begin(mail: InspectedMail): Inspector | undefined;
  /** What becomes of a mail whose inspector failed, or did not answer in time. */
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
