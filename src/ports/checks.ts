/** Operators' settings for the checks: for all domains, and for a single domain. */

export type CheckAction = "tag" | "defer" | "reject";

export interface CheckSettings {
  /** An address or sentence for refused senders, put at the end of the reply. */
  readonly contact?: string;
  readonly dnsbl: DnsblSettings | "off";
  /** Checks that the HELO argument is a fully qualified name or the client's own address; absent: off. */
  readonly helo?: CheckAction | "off";
  /** Checks that the client's address has a name that resolves back to it; `lookup`: only for Received. Absent: off. */
  readonly clientName?: CheckAction | "lookup" | "off";
  /** Checks that the domain of the return-path can receive mail; absent: off. */
  readonly senderDomain?: CheckAction | "off";
  /** Checks by SPF (RFC 7208) that the client may send for the domain of the return-path; absent: off. */
  readonly spf?: CheckAction | "off";
  /** Checks that a DKIM signature (RFC 6376) of a signed mail is valid; absent: off. */
  readonly dkim?: CheckAction | "off";
  /** Checks by DMARC (RFC 9989) that the author's domain confirms the mail; absent: off. */
  readonly dmarc?: ContentAction | "off";
  /** Unknown clients are deferred once; absent: off. */
  readonly greylist?: GreylistSettings | "off";
  /** Clients are deferred while a primary that they can use is up; absent: off. */
  readonly reachability?: ReachabilitySettings | "off";
  /** Checks that no command arrived before the reply to HELO; absent: off. */
  readonly earlyTalker?: CheckAction | "off";
  /** Bodies are shown to clamd; absent: off. */
  readonly clamav?: ClamavSettings | "off";
  /** Bodies are shown to rspamd; absent: off. */
  readonly rspamd?: RspamdSettings | "off";
  /** The first rule that matches decides; absent: no rules. */
  readonly access?: readonly AccessRule[];
}

/**
 * An operator's rule: `allow` exempts a client from the checks of reputation, `block` refuses it. A rule has at least
 * one condition, and all of its conditions must match.
 */
export interface AccessRule {
  readonly action: "allow" | "block";
  /** An address, or a network such as `192.0.2.0/24`. */
  readonly network?: string;
  /** A name, or `*.example.com` for all names below it; lower case. */
  readonly helo?: string;
  /** An address in its simplest form, or `@example.com` for all of a domain; lower case. `<>`: the null sender. */
  readonly sender?: string;
  readonly recipient?: string;
  /** The rule applies to recipients of this domain only; absent: to all. */
  readonly domain?: string;
  /** When the rule expires, ms since 1970. */
  readonly until?: number;
  readonly note?: string;
}

/** A domain's own settings; an absent one is as for all domains. */
export type DomainChecks = Partial<Omit<CheckSettings, "contact" | "access">>;

/** What happens to a body that a check objects to; `quarantine`: it is accepted and quarantined. */
export type ContentAction = "tag" | "defer" | "quarantine" | "reject";

/** The servers to ask, in this order; the next one takes over while one is unavailable. */
export interface ScanServers {
  /** At least one: a path of a Unix socket, or `host:port` (IPv6 in brackets). */
  readonly servers: readonly string[];
  /** Limit on all attempts for one mail together, in ms. */
  readonly timeout: number;
  /** Most scans at a time, for one server and SMTP thread. */
  readonly connections: number;
}

interface ScannerSettings extends ScanServers {
  /** Larger bodies are not scanned, in octets. */
  readonly maxSize: number;
  /** What happens to a mail if no server answers. */
  readonly unavailable: Exclude<ContentAction, "reject">;
}

export interface ClamavSettings extends ScannerSettings {
  readonly found: ContentAction;
  readonly oversize: ContentAction;
}

/** What each of rspamd's actions causes; `accept`: nothing. Its `quarantine` always quarantines the mail. */
export interface RspamdSettings extends ScannerSettings {
  readonly reject: ContentAction | "accept";
  readonly softReject: ContentAction | "accept";
  readonly greylist: ContentAction | "accept";
  readonly addHeader: ContentAction | "accept";
  /** The header fields that rspamd requests are added on top. */
  readonly headers: boolean;
}

/** Actions of greylisting and reachability. They expect clients to return; a permanent refusal would lose mail. */
type PatientAction = "tag" | "defer";

export interface GreylistSettings {
  /** How long a client must wait before it returns, in ms. */
  readonly delay: number;
  /** Absent: `defer`. */
  readonly action?: PatientAction;
}

export interface ReachabilitySettings {
  /** A client that returns after this time is admitted, in ms. */
  readonly delay: number;
  /** How long its network is then admitted at once, in ms. */
  readonly remember: number;
  /** Absent: `defer`. */
  readonly action?: PatientAction;
}

/** The weights of the lists that contain a client add up to its score; a threshold is the score from which it applies. */
export interface DnsblSettings {
  readonly lists: readonly DnsList[];
  readonly tag?: number;
  readonly defer?: number;
  readonly reject?: number;
}

export interface DnsList {
  /** A-labels. */
  readonly zone: string;
  /** Used in replies instead of the zone, which may contain a customer's key. */
  readonly name?: string;
  /** Patterns of codes that count, such as `127.0.0.2`, `127.0.0.4-7` or `127.0.*.3`. */
  readonly codes: readonly string[];
  /** Negative for lists of good clients. */
  readonly weight: number;
  /** What a listing there causes by itself, whatever the score. */
  readonly action?: CheckAction;
}
