/** Operators' settings for the checks: for all domains, and for a single domain. */

export type CheckAction = "tag" | "defer" | "reject";

export interface CheckSettings {
  /** Address or sentence for those who were refused; ends the reply. */
  readonly contact?: string;
  readonly dnsbl: DnsblSettings | "off";
  /** What the client says in HELO is a full name or its own address; absent: off. */
  readonly helo?: CheckAction | "off";
  /** The client's address has a name that points back; `lookup`: only for the Received field. Absent: off. */
  readonly clientName?: CheckAction | "lookup" | "off";
  /** The domain of the return-path can take mail; absent: off. */
  readonly senderDomain?: CheckAction | "off";
  /** The client may send for the domain of the return-path, RFC 7208; absent: off. */
  readonly spf?: CheckAction | "off";
  /** The mail is signed by a domain, RFC 6376; absent: off. */
  readonly dkim?: CheckAction | "off";
  /** The author's domain stands behind the mail, RFC 9989; absent: off. */
  readonly dmarc?: ContentAction | "off";
  /** Unknown clients are deferred once; absent: off. */
  readonly greylist?: GreylistSettings | "off";
  /** Clients are sent to a primary that is up; absent: off. */
  readonly reachability?: ReachabilitySettings | "off";
  /** Commands came before the reply to HELO; absent: off. */
  readonly earlyTalker?: CheckAction | "off";
  /** Bodies are shown to clamd; absent: off. */
  readonly clamav?: ClamavSettings | "off";
  /** Bodies are shown to rspamd; absent: off. */
  readonly rspamd?: RspamdSettings | "off";
  /** The first that fits decides; absent: none. */
  readonly access?: readonly AccessRule[];
}

/**
 * The operator's own word: `allow` spares a client the checks of reputation, `block` refuses. All that a rule names
 * must fit; it names at least one thing.
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
  /** Only for recipients of this domain; absent: of all. */
  readonly domain?: string;
  /** Ms since 1970, from when it does not count any more. */
  readonly until?: number;
  readonly note?: string;
}

/** What a domain has of its own; absent: as for all. */
export type DomainChecks = Partial<Omit<CheckSettings, "contact" | "access">>;

/** What happens to a body that a check objects to; `quarantine`: it is accepted and quarantined. */
export type ContentAction = "tag" | "defer" | "quarantine" | "reject";

/** The servers to ask, in this order; the next one takes over while one is unavailable. */
export interface ScanServers {
  /** At least one: a path of a Unix socket, or `host:port` (IPv6 in brackets). */
  readonly servers: readonly string[];
  /** For all attempts at one mail, in ms. */
  readonly timeout: number;
  /** Most scans at a time, for one server and SMTP thread. */
  readonly connections: number;
}

interface ScannerSettings extends ScanServers {
  /** Larger bodies are not shown to it, in octets. */
  readonly maxSize: number;
  /** What becomes of a mail when no server answers. */
  readonly unavailable: Exclude<ContentAction, "reject">;
}

export interface ClamavSettings extends ScannerSettings {
  readonly found: ContentAction;
  readonly oversize: ContentAction;
}

/** What rspamd's words lead to; `accept`: nothing. Its `quarantine` is ours. */
export interface RspamdSettings extends ScannerSettings {
  readonly reject: ContentAction | "accept";
  readonly softReject: ContentAction | "accept";
  readonly greylist: ContentAction | "accept";
  readonly addHeader: ContentAction | "accept";
  /** The header fields that it asks for stand on top. */
  readonly headers: boolean;
}

/** What greylisting and reachability may do: a permanent refusal would lose the mail of clients that return. */
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
  /** Stands in replies instead of the zone, which may hold a customer's key. */
  readonly name?: string;
  /** Patterns of codes that count, such as `127.0.0.2`, `127.0.0.4-7` or `127.0.*.3`. */
  readonly codes: readonly string[];
  /** Negative for lists of good clients. */
  readonly weight: number;
  /** What a listing there causes by itself, whatever the score. */
  readonly action?: CheckAction;
}
