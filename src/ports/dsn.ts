/**
 * Delivery status notifications (DSN, RFC 3464): what the store owes senders, how that debt is closed, and who writes
 * the message. In everything that operators see (configuration, API, log, alerts) they are called notices.
 *
 * When a recipient is settled or expires, the notice due to its sender (`owes`) is recorded in the same commit. The debt
 * is closed in one commit with the DSN, or with the reason why there is none. Thus each notice is sent once, even after a
 * crash in between. A DSN is a mail in the same queue, under the domain DSN_DOMAIN, which no real domain can have.
 */
import type { DsnRecipient, DsnRequest } from "../mail/dsn.ts";
import type { Trait } from "../mail/header-scanner.ts";
import type { Authentication } from "./authentication.ts";
import type { Transport } from "./directory.ts";
import type { ClientFacts, NewMail } from "./intake.ts";
import type { Body } from "./stored-body.ts";

/** The domain under which DSNs wait in the queue. */
export const DSN_DOMAIN = "+notices";

/** What a DSN says about a recipient: refused, expired, still waiting, handed over to the primary. */
export type DsnKind = "failed" | "expired" | "delayed" | "relayed";

export interface OwedRecipient extends DsnRecipient {
  readonly n: number;
  readonly address: string;
  /** A-labels. */
  readonly domain: string;
  readonly kind: DsnKind;
  /** The primary's last words, with codes. */
  readonly lastReply?: string;
  /** `host:port` of the primary last spoken to. */
  readonly destination?: string;
  /** The result of an attempt is not known: the primary may have the mail. */
  readonly unconfirmed?: true;
  /** An operator gave the mail up, possibly before any attempt to deliver it. */
  readonly byOperator?: true;
  /** When the event happened, ms since 1970; for a delay: since when the recipient has been waiting. */
  readonly at: number;
}

/** A mail whose sender is owed a DSN. */
export interface OwedMail {
  readonly id: string;
  /** Empty for the null sender. */
  readonly sender: string;
  readonly acceptedAt: number;
  readonly client: ClientFacts;
  readonly topFields: string;
  readonly smtpUtf8: boolean;
  readonly messageId?: string;
  readonly dsn?: DsnRequest;
  readonly traits: readonly Trait[];
  /** The results of the checks at receipt; absent if nothing was checked. */
  readonly authentication?: Authentication;
  readonly recipients: readonly OwedRecipient[];
  /** DSNs that were written to this sender in the past 24 h. */
  readonly noticesToSender: number;
  /** Absent if it has been deleted. */
  readonly body?: Body;
}

/** Closes the debts for some recipients of a mail. */
export interface ToldRequest {
  readonly id: string;
  readonly recipients: readonly number[];
  readonly told: Told;
  /** The DSN, if there is one; its recipients are under DSN_DOMAIN. */
  readonly notice?: { readonly mail: NewMail; readonly body: Buffer };
}

/** How the debt was closed. */
export interface Told {
  readonly kind: DsnKind;
  /** Ms since 1970. */
  readonly at: number;
  /** The DSN's own id in the queue. */
  readonly notice?: string;
  /** Why there is none. */
  readonly why?: string;
}

/** The position of a scan through waiting mail; opaque to callers. */
export type DelayPlace = readonly [since: number, mail: number, n: number];

export interface DelayRequest {
  /** Recipients that have waited since before this time are each owed one DSN of delay. */
  readonly before: number;
  /** Where the last scan ended; absent: begin with the oldest. */
  readonly after?: DelayPlace;
  readonly limit: number;
}

export interface DelayAnswer {
  /** Where the next scan begins. */
  readonly place: DelayPlace;
  readonly more: boolean;
}

export interface DsnStore {
  /** The oldest mails whose senders are owed a DSN. */
  owed(request: { readonly limit: number; readonly now: number }): Promise<readonly OwedMail[]>;
  /** Durable when it resolves. False: nothing of that kind is owed any more, and nothing was written. */
  told(request: ToldRequest): Promise<boolean>;
  /** Records the debts. A recipient that is claimed at that moment is left to a later scan from the oldest. */
  delayed(request: DelayRequest): Promise<DelayAnswer>;
}

/** Where DSNs go: one host, the recipient's own MX, or nowhere. */
export type DsnRoute =
  | { readonly kind: "off" }
  | { readonly kind: "direct" }
  | (Transport & { readonly kind: "host"; readonly host: string; readonly port: number });

/** The operator's settings for notices to senders. Times in ms, sizes in octets. */
export interface NoticeSettings {
  readonly route: DsnRoute;
  /** Age at which the sender of waiting mail is notified; absent: never. */
  readonly delay?: number;
  /** Most notices to one address in 24 h. */
  readonly perSender: number;
  /** Mails up to this size are returned whole when their sender asks for it. */
  readonly fullSize: number;
  /** How long delivery of a notice is attempted. */
  readonly retention: number;
}

/** A field's name and value. Values are printable; they may exceed ASCII only in a DSN with `utf8`. */
export type DsnField = readonly [name: string, value: string];

/** The content of a DSN, before it is a message. No text has control characters, except for line ends in `text`. */
export interface DsnDraft {
  readonly hostname: string;
  readonly messageId: string;
  /** Ms since 1970. */
  readonly date: number;
  readonly to: string;
  readonly subject: string;
  /** In angle brackets. */
  readonly inReplyTo?: string;
  /** Plain text, lines end in LF. */
  readonly text: string;
  readonly perMessage: readonly DsnField[];
  readonly perRecipient: readonly (readonly DsnField[])[];
  /** True: the parts have the types message/global-* of RFC 6533. */
  readonly utf8: boolean;
  /** The mail itself, or its header section; absent if it has been deleted. */
  readonly returned?: { readonly whole: boolean; readonly content: Buffer; readonly utf8: boolean };
}

export interface DsnComposer {
  /** Resolves to the message, whose lines end in CRLF. */
  compose(draft: DsnDraft): Promise<Buffer>;
}
