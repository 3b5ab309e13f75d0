/** The state of the conversation with one client. Commands read and change it. */
import type { DirectoryReader } from "../../ports/directory.ts";
import type { PrimaryOffers } from "../../ports/health.ts";
import type { Journal } from "../../ports/journal.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import type { Policy } from "../../services/policy/policy.ts";
import type { Acceptor } from "../../services/queue/queue.ts";
import type { ClientRates } from "./client-rates.ts";
import type { Greeting } from "./greeting.ts";
import type { SmtpSettings } from "./settings.ts";
import type { Transaction } from "./transaction.ts";

export interface SessionParts {
  /** The settings in force. */
  readonly settings: () => SmtpSettings;
  readonly directory: Pick<DirectoryReader, "generation" | "domain">;
  readonly policy: Policy;
  readonly acceptor: Acceptor;
  readonly rates: ClientRates;
  readonly journal: Journal;
  readonly log: Logger;
  readonly clock: Clock;
  /** What a domain's primaries accept. Undefined: no limits are known. */
  readonly offers: (domain: string) => PrimaryOffers | undefined;
  /** Handles ETRN. `ask` returns false if it is too busy. */
  readonly flushes: { ask(domain: string): boolean };
  readonly greeting: Pick<Greeting, "delay" | "delivered">;
}

export interface SessionState {
  readonly parts: SessionParts;
  readonly ip: string;
  /** The client's /24 (IPv4) or /64 (IPv6). */
  readonly network: string;
  /** The argument of HELO or EHLO; empty before it. */
  helo: string;
  /** EHLO was used. */
  extended: boolean;
  /** The client has already sent more after the command that is being answered. */
  readonly ahead: boolean;
  /** The client sent commands before it had the reply to HELO or EHLO. */
  early: boolean;
  /** TLS protocol and cipher; undefined without TLS. */
  tls: string | undefined;
  /** `denied`: only other peers may use XCLIENT on this listener; `off`: no peer may. */
  xclient: "off" | "denied" | "allowed";
  /** There is a certificate, and the session does not use TLS yet. */
  canStartTls: boolean;
  /** Setting it drops the previous transaction, including chunks of its body. */
  transaction: Transaction | undefined;
  /** The body of this transaction has begun with BDAT. */
  readonly chunking: boolean;
  /** Number of mails accepted. */
  mails: number;
}
