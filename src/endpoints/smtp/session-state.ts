/** What has been said so far between one client and us; commands read and change it. */
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
  /** What a domain's primaries can take; undefined: everything, as far as is known. */
  readonly offers: (domain: string) => PrimaryOffers | undefined;
  /** Who answers ETRN. */
  readonly flushes: { ask(domain: string): boolean };
  readonly greeting: Pick<Greeting, "delay" | "delivered">;
}

export interface SessionState {
  readonly parts: SessionParts;
  readonly ip: string;
  /** The /24 or /64. */
  readonly network: string;
  /** What the client said after HELO or EHLO; empty before. */
  helo: string;
  /** EHLO was used. */
  extended: boolean;
  /** More of what the client sent is here already while this command is answered. */
  readonly ahead: boolean;
  /** Commands came before the reply to HELO or EHLO. */
  early: boolean;
  /** Protocol and cipher; undefined in clear. */
  tls: string | undefined;
  /** `denied`: others may use it here; `off`: nobody. */
  xclient: "off" | "denied" | "allowed";
  /** A certificate is there and the session is still in clear. */
  canStartTls: boolean;
  /** Setting it drops what was open before, chunks of a body included. */
  transaction: Transaction | undefined;
  /** BDAT has begun the body of this transaction. */
  readonly chunking: boolean;
  /** Mails accepted. */
  mails: number;
}
