/**
 * Defines a check. It examines a recipient, or the header of a body, and returns a verdict, or undefined if it is off
 * or does not apply. It keeps no state of a connection. What it remembers of earlier mail is in a memory that is passed
 * in.
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
  /** The client sent commands before it had the reply to HELO or EHLO. */
  readonly early?: boolean;
  /** Empty for the null sender. */
  readonly sender: string;
  /** The value of SIZE in octets; 0 if it was not given. */
  readonly announced: number;
  /** The SPF evaluation for the sender's domain. Undefined if it cannot be requested. */
  readonly spf?: SpfInquiry;
}

export interface RcptSubject extends MailSubject {
  readonly recipient: Address;
  /** The recipient's domain. Undefined if it is not one of ours. */
  readonly domain: DomainRecord | undefined;
  /** The client named the postmaster, and this is the operator's address for it: it exists, even if no list has it. */
  readonly certain: boolean;
}

export interface DataSubject extends MailSubject {
  readonly facts: HeaderFacts;
  /** The limits for the number of Received fields, and for those of this server. */
  readonly received: number;
  readonly ownReceived: number;
}

export interface Subjects {
  readonly rcpt: RcptSubject;
  readonly data: DataSubject;
}

export type Stage = keyof Subjects;

/** The result of a check. Undefined: it was off or did not apply, and is not traced. */
export type Said = Verdict | undefined;

export interface StageCheck<S extends Stage> {
  readonly name: string;
  readonly stage: S;
  /** The check judges the client's reputation, from which `postmaster` is exempt. */
  readonly reputation?: boolean;
  /** The check runs at RCPT only if all others accept the recipient. */
  readonly last?: boolean;
  /** Sends queries whose answers `run` will need, when the client connects. Nothing waits for it. */
  atConnect?(subject: ConnectSubject): void;
  /** The same at MAIL. */
  atMail?(subject: MailSubject): void;
  run(subject: Subjects[S]): Later<Said>;
  /** Learns that a mail was accepted for these domains. */
  taken?(subject: MailSubject, domains: readonly DomainRecord[]): void;
}

export type Check = { readonly [S in Stage]: StageCheck<S> }[Stage];

/** The result of a check, which may be pending. */
export interface CheckResult {
  readonly check: Pick<Check, "name" | "stage" | "reputation">;
  readonly verdict: Later<Said>;
  /** How long the check took, in ms. Not final until `verdict` is known. */
  took: number;
}
