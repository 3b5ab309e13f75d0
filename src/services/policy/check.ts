/**
 * What a check is. It looks at a recipient, or at the header of a body, and says a verdict, or nothing where it is off
 * or not concerned. It holds no state of a connection; what it remembers
 * of earlier mail is in a memory that it was given.
 */
import type { Address } from "../../mail/address.ts";
import type { HeaderFacts } from "../../mail/header-scanner.ts";
import type { Verdict } from "../../mail/verdict.ts";
import type { DomainRecord } from "../../ports/directory.ts";
import type { Later } from "../../runtime/at-once.ts";
import type { SpfInquiry } from "./spf-inquiry.ts";

export interface ConnectSubject {
  readonly ip: string;
  /** The /24 or /64 that shares reputation. */
  readonly network: string;
}

export interface MailSubject extends ConnectSubject {
  readonly helo: string;
  /** EHLO was used. */
  readonly extended: boolean;
  /** Commands came before the reply to HELO or EHLO. */
  readonly early?: boolean;
  /** Empty for the null sender. */
  readonly sender: string;
  /** Announced with SIZE, in octets; 0 when not. */
  readonly announced: number;
  /** Whether the client may send for the sender's domain; absent where nobody can ask. */
  readonly spf?: SpfInquiry;
}

export interface RcptSubject extends MailSubject {
  readonly recipient: Address;
  /** The recipient's domain, where it is one of ours. */
  readonly domain: DomainRecord | undefined;
  /** The operator's own address for the postmaster, who was asked for: exists, whatever the lists say. */
  readonly certain: boolean;
}

export interface DataSubject extends MailSubject {
  readonly facts: HeaderFacts;
  /** Caps on Received fields, and on those that name us. */
  readonly received: number;
  readonly ownReceived: number;
}

export interface Subjects {
  readonly rcpt: RcptSubject;
  readonly data: DataSubject;
}

export type Stage = keyof Subjects;

/** Undefined: it has not looked, and leaves no trace. */
export type Said = Verdict | undefined;

export interface StageCheck<S extends Stage> {
  readonly name: string;
  readonly stage: S;
  /** Judges the client's reputation: `postmaster` is exempt. */
  readonly reputation?: boolean;
  /** Runs at RCPT only where all others let the recipient pass. */
  readonly last?: boolean;
  /** Asks for what it will need, as soon as the client is here; nobody waits for it. */
  atConnect?(subject: ConnectSubject): void;
  /** The same as soon as the sender is named. */
  atMail?(subject: MailSubject): void;
  run(subject: Subjects[S]): Later<Said>;
  /** Mail was accepted for these domains. */
  taken?(subject: MailSubject, domains: readonly DomainRecord[]): void;
}

export type Check = { readonly [S in Stage]: StageCheck<S> }[Stage];

/** What a check said, or will say. */
export interface CheckResult {
  readonly check: Pick<Check, "name" | "stage" | "reputation">;
  readonly verdict: Later<Said>;
  /** How long it took to say it, in ms; set once it has. */
  took: number;
}
