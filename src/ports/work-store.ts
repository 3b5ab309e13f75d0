/**
 * How the delivery thread takes mail out of the store: atomic operations on mail that expose no SQL, no transactions and
 * no engine. Due mail is claimed, tried, and settled for each recipient; mail that grows too old expires.
 *
 * Invariant: a recipient leaves `claimed` only with the token that claimed it.
 */
import type { DsnRecipient, DsnRequest } from "../mail/dsn.ts";
import type { Outcome } from "../mail/outcome.ts";
import type { Authentication } from "./authentication.ts";
import type { DsnKind } from "./dsn.ts";
import type { ClientFacts } from "./intake.ts";
import type { Reason, RecipientState } from "./recipient-state.ts";
import type { StoreCondition } from "./store-condition.ts";
import type { Body } from "./stored-body.ts";

export interface ClaimedRecipient extends DsnRecipient {
  /** Position in the mail, its key together with the mail's id. */
  readonly n: number;
  readonly address: string;
  /** Attempts before this one. */
  readonly attempts: number;
  /** How often the reply to the final dot was lost before. */
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
  /** What was found at receipt; absent where nothing was checked. */
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
  readonly state: RecipientState;
  readonly reason?: Reason;
  /** When it is due again, for waiting and unconfirmed. */
  readonly dueAt?: number;
  /** The notice that the sender is owed, unless the rules for notices forbid it. */
  readonly owes?: DsnKind;
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

/** A mail that is due, unclaimed. */
export interface DueMail {
  readonly id: string;
  readonly recipients: readonly string[];
}

/** Releases mail that a probation holds. */
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
  /** When the one was accepted that waits longest; what an operator released began to wait then. */
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

/** What a slice came to, in recipients, and in rows of what is remembered. */
export interface Expired {
  /** Given up: parked, or gone where it was a DSN. */
  readonly givenUp: number;
  /** Were parked or in quarantine, and nobody decided: gone. */
  readonly deleted: number;
  /** Rows that left the ledger, or that remembered an address. */
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
  /** Most rows, all together. */
  readonly limit: number;
}
