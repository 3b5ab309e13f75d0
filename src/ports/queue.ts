/**
 * The queue as its users see it: verbs of mail, each atomic, no SQL, no transaction, no engine.
 *
 * One mail has one body and one or more recipients; each recipient has a state of its own:
 *
 *   waiting      due at `dueAt`
 *   claimed      in a conversation with a primary, or about to be; the mark is durable before the first octet goes out
 *   unconfirmed  its body went out whole and no reply came, or the process died while it was claimed: maybe delivered
 *   held         set aside: by an operator, by probation, in quarantine; nothing happens until released
 *   parked       refused for good or expired; kept for the operator
 *   gone         delivered, bounced, deleted or expired; the row stays as the ledger, the body goes with the last recipient
 *
 * Invariants: LEGAL_MOVES is the whole table of moves, the schema and the tests use it too. A recipient leaves
 * `claimed` only by the token that claimed it. A body exists while any recipient is not gone.
 */
import type { DsnRecipient, DsnRequest } from "../mail/dsn.ts";
import type { Trait } from "../mail/header-scanner.ts";
import type { Outcome } from "../mail/outcome.ts";
import type { Authentication } from "./authentication.ts";
import type { Body } from "./stored-body.ts";

export type State = "waiting" | "claimed" | "unconfirmed" | "held" | "parked" | "gone";

export const STATES: readonly State[] = ["waiting", "claimed", "unconfirmed", "held", "parked", "gone"];

export const LEGAL_MOVES: Readonly<Record<State, readonly State[]>> = {
  waiting: ["claimed", "held", "parked", "gone"],
  claimed: ["waiting", "unconfirmed", "held", "parked", "gone"],
  unconfirmed: ["claimed", "waiting", "held", "parked", "gone"],
  held: ["waiting", "parked", "gone"],
  parked: ["waiting", "gone"],
  gone: [],
};

/** Why a recipient is held, parked or gone. */
export type Reason =
  | "operator"
  | "probation"
  | "quarantine"
  | "loop"
  | "unconfirmed"
  /** What is stored is not what was accepted. */
  | "damaged"
  | "refused"
  /** The body was refused, not the recipient: kept for a shorter time. */
  | "content"
  | "expired"
  | "delivered"
  | "deleted"
  | "bounced";

/** Can new mail be stored? `full`: 452, delivery goes on. `sick`: 421, everything stands still. */
export type StoreCondition = "ok" | "full" | "sick";

export interface ConditionChange {
  readonly condition: StoreCondition;
  readonly why: string;
  /** Bytes free on the file system. */
  readonly free?: number;
  /** Bytes left of what is kept for deliveries, where some had to be given up; 0: they stand still. */
  readonly ballast?: number;
}

// ---------------------------------------------------------------- accepting (SMTP threads)

export interface ClientFacts {
  readonly ip: string;
  /** Forward-confirmed name, where there is one. */
  readonly name?: string;
  readonly helo: string;
  /** `TLSv1.3 TLS_AES_256_GCM_SHA384`, absent in clear. */
  readonly tls?: string;
  /** Its TCP port; absent where a proxy stood between. */
  readonly port?: number;
  /** Our address that it connected to; absent where a proxy stood between. */
  readonly server?: string;
}

export interface NewRecipient extends DsnRecipient {
  /** As it goes on the wire. */
  readonly address: string;
  /** A-label domain, the key under which it is delivered. */
  readonly domain: string;
}

export interface NewMail {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  /** Empty for the null sender. */
  readonly sender: string;
  readonly recipients: readonly NewRecipient[];
  readonly client: ClientFacts;
  /** Header fields of ours, CRLF-terminated, to stand on top of the untouched body. */
  readonly topFields: string;
  readonly smtpUtf8: boolean;
  readonly eightBit: boolean;
  readonly messageId?: string;
  readonly subject?: string;
  readonly from?: string;
  /** What its sender asked of notices, RFC 3461. */
  readonly dsn?: DsnRequest;
  /** What its header says of who wrote it. */
  readonly traits?: readonly Trait[];
  /** Why it is set aside: all its recipients begin as `held`, reason `quarantine`. Absent: they wait for delivery. */
  readonly quarantine?: string;
  /** What SPF, DKIM and DMARC said at receipt; absent where nothing was asked. */
  readonly authentication?: Authentication;
  /** Wall time in ms after which the store must refuse instead of beginning its transaction. */
  readonly deadline: number;
}

/** Takes one body while it arrives. Small ones stay in memory, larger ones go to disk; the caller need not know. */
export interface BodyWriter {
  readonly size: number;
  /**
   * Copies the chunk, which is lent until this returns. A promise means: wait before the next one (back-pressure).
   * Rejects on a sick or full disk.
   */
  write(chunk: Buffer): Promise<void> | undefined;
  /** What was written, once more; between the last `write` and `accept`. Several may read at a time. */
  read(): AsyncIterable<Buffer>;
  /** Throws away what was written. Safe at any time, also after `accept`. */
  abort(): void;
}

export type Accepted =
  | { readonly kind: "accepted" }
  | { readonly kind: "refused"; readonly why: "full" | "sick" | "late" | "row" };

export interface Intake {
  openBody(): BodyWriter;
  /** Durable when it answers `accepted`: flushed to disk, RFC 5321 §6.1. Only its answer counts, however late. */
  accept(mail: NewMail, body: BodyWriter): Promise<Accepted>;
  /** Last known condition; cheap enough to ask at every MAIL. */
  condition(): StoreCondition;
  /** Bytes free above the reserve, as last measured. */
  room(): number;
}

// ---------------------------------------------------------------- handing over (delivery thread)

export interface ClaimedRecipient extends DsnRecipient {
  /** Position in the mail, its key together with the mail's id. */
  readonly n: number;
  readonly address: string;
  /** Attempts before this one. */
  readonly attempts: number;
  /** Times that a reply to the final dot was lost before. */
  readonly unconfirmed: number;
}

export interface ClaimedMail {
  readonly id: string;
  /** Proof of the claim; `settle` refuses any other. */
  readonly token: number;
  readonly domain: string;
  readonly sender: string;
  readonly recipients: readonly ClaimedRecipient[];
  readonly acceptedAt: number;
  readonly client: ClientFacts;
  readonly topFields: string;
  readonly smtpUtf8: boolean;
  readonly eightBit: boolean;
  readonly dsn?: DsnRequest;
  /** What was found at receipt; absent where nothing was asked. */
  readonly authentication?: Authentication;
  /** Bytes of the body, top fields not counted. */
  readonly size: number;
  readonly body: Body;
}

export interface ClaimRequest {
  readonly domain: string;
  /** Only this mail. */
  readonly id?: string;
  /** Most mails to claim. */
  readonly limit: number;
  /** What is due by then, ms since 1970; unconfirmed mail, too. */
  readonly now: number;
}

/** What one recipient's attempt leads to; decided by the delivery service, written by the store. */
export interface Settlement {
  readonly n: number;
  readonly outcome: Outcome;
  /** Where it goes, one of LEGAL_MOVES.claimed. */
  readonly state: State;
  readonly reason?: Reason;
  /** When it is due again, for waiting and unconfirmed. */
  readonly dueAt?: number;
  /** The sender is to hear of it, unless it turns out that silence is right. */
  readonly owes?: NoticeKind;
}

export interface SettleRequest {
  readonly id: string;
  readonly token: number;
  readonly recipients: readonly Settlement[];
  /** `host:port` of the primary spoken to; absent when none was. */
  readonly destination?: string;
  /** SHA-256 in hexadecimal of the body that was handed over; for the ledger of those who have it now. */
  readonly hash?: string;
  readonly now: number;
}

/** What a sender may be told of a recipient: refused, given up for its age, still waiting, handed over. */
export type NoticeKind = "failed" | "expired" | "delayed" | "relayed";

/** A mail that is due, unclaimed. */
export interface DueMail {
  readonly id: string;
  readonly recipients: readonly string[];
}

/** Lets mail go on that probation set aside. */
export interface UnholdRequest {
  /** Absent: every domain. */
  readonly domain?: string;
  /** Most recipients; absent: all. */
  readonly limit?: number;
  readonly now: number;
}

/** What waits for one domain. */
export interface DomainWork {
  readonly domain: string;
  /** Recipients waiting or unconfirmed. */
  readonly recipients: number;
  /** When the first of them is due. */
  readonly nextDue: number;
  /** And the last. */
  readonly lastDue: number;
  /** When the oldest was accepted. */
  readonly oldest: number;
}

/** Sent in the turn of the commit that caused it. */
export type WorkEvent =
  /** New or released mail for a domain, due at once. */
  | { readonly kind: "work"; readonly domain: string; readonly recipients: number }
  /** Fresh mail that a grant claimed in the commit that accepted it. */
  | { readonly kind: "claimed"; readonly mail: ClaimedMail }
  | { readonly kind: "condition"; readonly condition: StoreCondition };

export interface WorkStore {
  /** Everything that waits, by domain: once at start, and after a `wake`. */
  work(): Promise<readonly DomainWork[]>;
  /** Claims what is due, oldest first; durable when it answers. */
  claim(request: ClaimRequest): Promise<readonly ClaimedMail[]>;
  /**
   * Lets commits that accept mail for `domain` claim it at once, `credits` mails at most (each use takes one).
   * Replaces the credits given before; 0 takes them back.
   */
  grant(domain: string, credits: number): void;
  /** Closes the attempt. False: the claim was lost meanwhile, nothing was written. */
  settle(request: SettleRequest): Promise<boolean>;
  /** Makes everything that waits for these domains due now; answers what there is. */
  wake(domains: readonly string[]): Promise<readonly DomainWork[]>;
  /** What is due for a domain, oldest first; `limit` counts recipients, at most 1000. */
  due(request: Required<Omit<ClaimRequest, "id">>): Promise<readonly DueMail[]>;
  /** When a primary last took mail for these addresses, to the day; unknown ones are left out. */
  accepted(addresses: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** held for `probation` -> waiting, due now, its retention as before; answers how many recipients by domain. */
  unhold(request: UnholdRequest): Promise<ReadonlyMap<string, number>>;
  /** Destinations (`host:port`) that spoke TLS when they were spoken to last, by an earlier process too. */
  encrypted(): Promise<readonly string[]>;
  rememberTls(destination: string, encrypted: boolean): Promise<void>;
  /** Ends what is older than its retention, in a bounded slice. */
  expire(slice: ExpireSlice): Promise<Expired>;
  onEvent(listener: (event: WorkEvent) => void): void;
}

/** What a slice came to, in recipients. */
export interface Expired {
  /** Given up: parked, or gone where it was a notice. */
  readonly givenUp: number;
  /** Were parked or in quarantine, and nobody decided: gone. */
  readonly deleted: number;
  /** Rows that left the ledger. */
  readonly forgotten: number;
}

export interface ExpireSlice {
  readonly now: number;
  /** Accepted before this: waiting and unconfirmed recipients are parked as `expired`. */
  readonly waitingBefore: number;
  /** Parked before this: gone as `expired`. */
  readonly parkedBefore: number;
  /** The same for those whose body was refused; absent: as all. */
  readonly contentBefore?: number;
  /** In quarantine since before this: gone as `expired`. */
  readonly quarantinedBefore: number;
  /** Gone before this: the ledger row is removed. */
  readonly goneBefore: number;
  readonly limit: number;
}
