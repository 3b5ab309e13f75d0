/** The queue as operators see it: lists, a single mail, counts, and the actions on mail. */
import type { Readable } from "node:stream";
import type { DsnRecipient, DsnRequest } from "../mail/dsn.ts";
import type { Trait } from "../mail/header-scanner.ts";
import type { Authentication } from "./authentication.ts";
import type { DsnKind, Told } from "./dsn.ts";
import type { ClientFacts } from "./intake.ts";
import type { Page } from "./page.ts";
import type { Reason, RecipientState } from "./recipient-state.ts";

/** Selects mails; all given conditions must match. */
export interface MailFilter {
  readonly id?: string;
  readonly domain?: string;
  readonly state?: RecipientState;
  readonly reason?: Reason;
  readonly sender?: string;
  readonly recipient?: string;
}

/** One recipient in a list; times in ms since 1970. */
export interface QueueEntry extends DsnRecipient {
  readonly id: string;
  readonly n: number;
  readonly recipient: string;
  readonly domain: string;
  /** `host:port` to which an operator rerouted it, instead of the domain's primaries. */
  readonly route?: string;
  readonly sender: string;
  readonly state: RecipientState;
  readonly reason?: Reason;
  readonly acceptedAt: number;
  readonly updatedAt: number;
  readonly dueAt?: number;
  readonly attempts: number;
  /** How often the reply to the final dot was lost; each time, the primary may have got a copy. */
  readonly unconfirmed: number;
  /** The primary's last reply, with codes. */
  readonly lastReply?: string;
  readonly destination?: string;
  /** The operator who held, released or deleted it last. */
  readonly who?: string;
  readonly size: number;
  /** SHA-256 in hexadecimal of the body that the primary took. */
  readonly hash?: string;
  /** The last notice to its sender, or why there was none. */
  readonly told?: Told;
  /** The notice that its sender is still owed. */
  readonly owed?: DsnKind;
  /** Why the mail was quarantined when it was accepted. */
  readonly quarantine?: string;
  /** Printable. */
  readonly subject?: string;
}

export interface MailDetail {
  readonly id: string;
  readonly sender: string;
  readonly acceptedAt: number;
  readonly size: number;
  /** The checksum of the stored body, in hexadecimal. */
  readonly crc32?: string;
  readonly client: ClientFacts;
  readonly topFields: string;
  readonly messageId?: string;
  readonly subject?: string;
  readonly from?: string;
  /** What its sender requested about notices. */
  readonly dsn?: DsnRequest;
  /** Whether its header shows a list, bulk mail or an automatic sender. */
  readonly traits: readonly Trait[];
  /** Why it was quarantined when it was accepted. */
  readonly quarantine?: string;
  readonly authentication?: Authentication;
  readonly recipients: readonly QueueEntry[];
  /** False once the last recipient is gone. */
  readonly hasBody: boolean;
}

/** Recipients of one domain in one state. */
export interface QueueCount {
  readonly domain: string;
  readonly state: RecipientState;
  readonly recipients: number;
  /** When the first of them was accepted, even if it was released or moved since; Infinity if its mail is lost. */
  readonly oldest: number;
}

export interface ListRequest {
  readonly filter: MailFilter;
  /** 1 to 1000. */
  readonly limit: number;
  readonly cursor?: string;
  /** List `gone` recipients too: the ledger. */
  readonly ledger?: boolean;
}

/** What is stored for a domain, in any state. */
export interface Kept {
  readonly messages: number;
  /** Octets of bodies. */
  readonly bytes: number;
}

/** Mail in quarantine that waits for an operator's decision. */
export interface Quarantined {
  readonly recipients: number;
  /** Since when the first of them has been there, ms since 1970; absent if there is none. */
  readonly oldest?: number;
}

/** Parked mail that waits for an operator's decision. */
export interface Parked {
  readonly recipients: number;
  /** Since when the first of them has been parked, ms since 1970; absent if there is none. */
  readonly oldest?: number;
  /** The same for those whose body was refused, which have a retention time of their own. */
  readonly oldestContent?: number;
}

/** Reads the queue; reads never delay a 250. */
export interface QueueReader {
  list(request: ListRequest): Promise<Page<QueueEntry>>;
  show(id: string): Promise<MailDetail | undefined>;
  /** Counts for one domain, or for all. */
  counts(domain?: string): Promise<readonly QueueCount[]>;
  /** For each of these domains, what is stored for its recipients that are not gone. */
  kept(domains: readonly string[]): Promise<readonly Kept[]>;
  quarantined(): Promise<Quarantined>;
  parked(): Promise<Parked>;
  /**
   * Exports the mail as it would be delivered: our fields, then the body; undefined if it is gone. Rejects with
   * BodyDamaged if the body differs from the accepted one; with `asItIs` it exports what is left of such a body.
   */
  export(id: string, asItIs?: boolean): Promise<Readable | undefined>;
}

export type OperatorVerb = "hold" | "release" | "delete" | "flush" | "reroute" | "bounce";

export interface OperatorRequest {
  readonly verb: OperatorVerb;
  readonly filter: MailFilter;
  /** For `reroute`: `host:port`; absent: back to the domain's own primaries. */
  readonly to?: string;
  /** Who asked, for the ledger: `socket` or a token's name. */
  readonly who: string;
  readonly now: number;
}

/** Writes on an operator's behalf. */
export interface OperatorStore {
  /**
   * Moves all recipients that match and whose state allows it, in bounded slices; resolves to their number.
   * hold: waiting, unconfirmed -> held. release: held, parked -> waiting, due now (retention starts anew).
   * bounce: waiting, unconfirmed, held -> parked; their senders, and those of parked mail who were not notified yet,
   * are owed a notice. Notices themselves stay. delete: all but claimed and gone -> gone. flush: waiting, unconfirmed
   * become due now.
   * reroute: as release, and flush for what waits, towards another host; notices stay.
   */
  operate(request: OperatorRequest): Promise<number>;
}
