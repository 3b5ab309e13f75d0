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

/** Under this domain DSNs wait in the queue. */
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
  /** How an attempt ended is not known: the primary may have the mail. */
  readonly unconfirmed?: true;
  /** An operator gave it up: nobody need have tried to deliver it. */
  readonly byOperator?: true;
  /** When it came to this, ms since 1970; of a delay: since when it waits. */
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
  /** What was found at receipt; absent where nothing was checked. */
  readonly authentication?: Authentication;
  readonly recipients: readonly OwedRecipient[];
  /** DSNs that were written to this sender in the past 24 h. */
  readonly noticesToSender: number;
  /** Absent when it is gone. */
  readonly body?: Body;
}

/** Closes what is owed for some recipients of a mail. */
export interface ToldRequest {
  readonly id: string;
  readonly recipients: readonly number[];
  readonly told: Told;
  /** Its recipients are under DSN_DOMAIN. */
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

/** Where a look through waiting mail stands; opaque. */
export type DelayPlace = readonly [since: number, mail: number, n: number];

export interface DelayRequest {
  /** Recipients that wait since before this are owed a DSN of delay, once each. */
  readonly before: number;
  /** Where the last look ended; absent: from the oldest. */
  readonly after?: DelayPlace;
  readonly limit: number;
}

export interface DelayAnswer {
  /** Where to go on, now or later. */
  readonly place: DelayPlace;
  readonly more: boolean;
}

export interface DsnStore {
  /** The oldest mails whose senders are owed a DSN. */
  owed(request: { readonly limit: number; readonly now: number }): Promise<readonly OwedMail[]>;
  /** Durable when it answers; false: nothing of that kind is owed any more, and nothing was written. */
  told(request: ToldRequest): Promise<boolean>;
  /** Notes what is owed; a recipient that is in conversation at that moment is left to a later look from the oldest. */
  delayed(request: DelayRequest): Promise<DelayAnswer>;
}

/** Where DSNs go: one host, the recipient's own MX, or nowhere. */
export type DsnRoute =
  | { readonly kind: "off" }
  | { readonly kind: "direct" }
  | (Transport & { readonly kind: "host"; readonly host: string; readonly port: number });

/** What operators set for notices to senders. Times in ms, sizes in octets. */
export interface NoticeSettings {
  readonly route: DsnRoute;
  /** Age at which the sender of waiting mail is notified; absent: never. */
  readonly delay?: number;
  /** Most notices to one address in 24 h. */
  readonly perSender: number;
  /** Mails up to this size are returned whole when their sender asks for it. */
  readonly fullSize: number;
  /** How long a notice is tried. */
  readonly retention: number;
}

/** One name and its value; values are printable, `utf8` ones not ASCII. */
export type DsnField = readonly [name: string, value: string];

/** A DSN before it is a message. All texts are free of control characters, but for line ends in `text`. */
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
  /** RFC 6533: the parts of type message/global-*. */
  readonly utf8: boolean;
  /** The mail itself, or its header section; absent when it is gone. */
  readonly returned?: { readonly whole: boolean; readonly content: Buffer; readonly utf8: boolean };
}

export interface DsnComposer {
  /** The message, lines end in CRLF. */
  compose(draft: DsnDraft): Promise<Buffer>;
}
