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
  /** Its position in the mail; with the mail's id, its key. */
  readonly n: number;
  readonly address: string;
  /** Attempts before this one. */
  readonly attempts: number;
  /** How often the reply to the final dot was lost before this attempt. */
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
  /** The results of the checks at receipt; absent if nothing was checked. */
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
  /** Mail that is due at this time is claimed, unconfirmed mail as well; ms since 1970. */
  readonly now: number;
}

/** The result of an attempt for one recipient, decided by the delivery service and written by the store. */
export interface Settlement {
  readonly n: number;
  readonly outcome: Outcome;
  /** Its new state, one of LEGAL_MOVES.claimed. */
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
  /** `host:port` of the primary; absent if none was contacted. */
  readonly destination?: string;
  /** SHA-256 in hexadecimal of the body that was sent; kept in the ledger for recipients that got it. */
  readonly hash?: string;
  readonly now: number;
}

/** A mail that is due and not claimed. */
export interface DueMail {
  readonly id: string;
  readonly recipients: readonly string[];
}

/** Which mail held by a probation is released. */
export interface UnholdRequest {
  /** Absent: every domain. */
  readonly domain?: string;
  /** Most recipients; absent: all. */
  readonly limit?: number;
  readonly now: number;
}

/** The mail that waits for one domain. */
export interface DomainWork {
  readonly domain: string;
  /** Recipients waiting or unconfirmed. */
  readonly recipients: number;
  /** When the first of them is due. */
  readonly nextDue: number;
  /** When the last of them is due. */
  readonly lastDue: number;
  /** When the recipient that has waited longest was accepted, or was released by an operator. */
  readonly oldest: number;
}

/** An event of the store, sent in the same event-loop turn as the commit that caused it. */
export type WorkEvent =
  /** New or released mail for a domain, due at once. */
  | { readonly kind: "work"; readonly domain: string; readonly recipients: number }
  /** New mail that was claimed, by a credit, in the commit that accepted it. */
  | { readonly kind: "claimed"; readonly mail: ClaimedMail }
  | { readonly kind: "condition"; readonly condition: StoreCondition };

export interface WorkStore {
  /** Resolves to everything that waits, by domain; read once at start, and after a `wake`. */
  work(): Promise<readonly DomainWork[]>;
  /** Claims mail that is due, oldest first; durable when it resolves. */
  claim(request: ClaimRequest): Promise<readonly ClaimedMail[]>;
  /**
   * Lets commits that accept mail for `domain` claim it at once, `credits` mails at most (each use takes one).
   * Replaces the previous credits; 0 withdraws them.
   */
  grant(domain: string, credits: number): void;
  /** Stores the result of an attempt and ends its claim. False: the claim had been lost; nothing was written. */
  settle(request: SettleRequest): Promise<boolean>;
  /** Makes everything that waits for these domains due now; resolves to what waits. */
  wake(domains: readonly string[]): Promise<readonly DomainWork[]>;
  /** Resolves to the mail that is due for a domain, oldest first; `limit` counts recipients, at most 1000. */
  due(request: Required<Omit<ClaimRequest, "id">>): Promise<readonly DueMail[]>;
  /** Resolves to the day on which a primary last accepted mail for each address; unknown addresses are left out. */
  accepted(addresses: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Moves mail held by a `probation` to waiting, due now, with its old retention; resolves to recipients by domain. */
  unhold(request: UnholdRequest): Promise<ReadonlyMap<string, number>>;
  /** Resolves to the destinations (`host:port`) that used TLS at their last session, also with an earlier process. */
  encrypted(): Promise<readonly string[]>;
  rememberTls(destination: string, encrypted: boolean): Promise<void>;
  /** Ends mail that is older than its retention, in a bounded slice. */
  expire(slice: ExpireSlice): Promise<Expired>;
  onEvent(listener: (event: WorkEvent) => void): void;
}

/** What one slice has ended: numbers of recipients, and of remembered rows. */
export interface Expired {
  /** Given up: now parked; DSNs are gone. */
  readonly givenUp: number;
  /** Gone, because nobody decided about them while they were parked or in quarantine. */
  readonly deleted: number;
  /** Rows deleted from the ledger, or from the memory of addresses. */
  readonly forgotten: number;
}

export interface ExpireSlice {
  readonly now: number;
  /** Accepted before this: waiting and unconfirmed recipients are parked as `expired`. */
  readonly waitingBefore: number;
  /** Parked before this: gone as `expired`. */
  readonly parkedBefore: number;
  /** The same for those whose body was refused; absent: `parkedBefore` applies. */
  readonly contentBefore?: number;
  /** In quarantine since before this: gone as `expired`. */
  readonly quarantinedBefore: number;
  /** Gone before this: the ledger row is removed. */
  readonly goneBefore: number;
  /** Most rows in total. */
  readonly limit: number;
}
