/** The state of primaries, as shown to operators and sent to the threads that serve clients. */
import type { Capabilities } from "./smtp-client.ts";

/**
 * up        its last answer was good
 * suspect   one failure; probed again at once
 * down      no connection, or it answers 421: probed until it returns
 * banned    it answers, but refuses us at connect or at login (421 or 5xx): probed less often
 * loop      it is this server itself: nothing is sent, an operator must act
 * unknown   not contacted yet
 */
export type PrimaryState = "unknown" | "up" | "suspect" | "down" | "banned" | "loop";

/** What the primaries of a domain accept, according to their EHLO. */
export interface PrimaryOffers {
  readonly smtpUtf8: boolean;
  /** Octets of a whole message; absent: no limit. */
  readonly size?: number;
}

/** A probation: the first mails of a domain to a primary after an outage, or the stop that they caused. */
export interface ProbationStatus {
  readonly domain: string;
  /** `stopped`: of the domain's mail, only a canary is delivered from time to time. */
  readonly state: "running" | "stopped";
  /** When this state began, ms since 1970. */
  readonly since: number;
  readonly why?: string;
  /** For `stopped`: the time from which the next mail is a canary; it may be long past if no mail arrives. */
  readonly canaryAt?: number;
}

export interface PrimaryStatus {
  /** `host:port`. */
  readonly destination: string;
  readonly domains: readonly string[];
  readonly state: PrimaryState;
  /** When this state began, ms since 1970. */
  readonly since: number;
  /** When the present outage began, in whatever state the primary was then; absent: there is no outage. */
  readonly awaySince?: number;
  /** The last failure, in words. */
  readonly why?: string;
  readonly lastProbe?: number;
  readonly capabilities?: Capabilities;
  /** When it announced its capabilities, ms since 1970. */
  readonly learnedAt?: number;
  /** It accepts mail, or at least connections, but responds slowly, as tarpits do. */
  readonly slow?: { readonly since: number; readonly why: string };
  /** Connections in use. */
  readonly connections: number;
  /** Most connections that it gets at present. */
  readonly allowed?: number;
  /** Domains that are in probation there; absent: none. */
  readonly probation?: readonly ProbationStatus[];
  /** Domains for which it accepts every address, so callouts prove nothing; absent: none is known. */
  readonly acceptAll?: readonly string[];
}

/** The delivery thread's answer to a question about the primaries. */
export interface KnownPrimaries {
  readonly primaries: readonly PrimaryStatus[];
  /** Why none is known at the moment, in words; absent: these are all. */
  readonly noPrimaries?: string;
}
