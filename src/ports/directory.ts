/**
 * Domains, their primaries and their valid recipients, as stored. Declared domains (origin `file`) and those
 * added through the API (origin `api`) share one generation number. Every change creates a new generation, which
 * becomes visible with one commit; a reader that keeps its generation keeps seeing the same directory.
 */
import type { DomainChecks } from "./checks.ts";
import type { Page } from "./page.ts";

export type Origin = "file" | "api";
export type TlsLevel = "none" | "opportunistic" | "require" | "verify" | "pin";

/** How we log in at a primary; the password itself is never stored. */
export interface Login {
  readonly user: string;
  /** Absolute path; its first line is the password. Either this or `passwordEnv` is present. */
  readonly passwordFile?: string;
  /** Name of an environment variable. */
  readonly passwordEnv?: string;
  /** Absent: a method that the primary offers, preferably `plain`. */
  readonly method?: "plain" | "login";
}

/**
 * What a primary learns about the client that sent a mail. `headers`: our header fields, and XFORWARD if it is offered;
 * `xforward`: the same, with an alert if it is not offered; `xclient`: the session stands for the client itself.
 */
export type Identity = "headers" | "xforward" | "xclient";

/** `envelope`: MAIL, RCPT and DATA of one mail; `mails`: also the next envelope together with a body. */
type Pipelining = "none" | "envelope" | "mails";

/** Settings for the connections to a primary. */
export interface Transport {
  readonly tls: TlsLevel;
  /** TLS from the first octet on; absent: only at port 465. */
  readonly implicitTls?: boolean;
  /** For level `pin`: SHA-256 of certificates or public keys, in hexadecimal; one of them must match. */
  readonly pins?: readonly string[];
  readonly login?: Login;
  /** Absent: `headers`. */
  readonly identity?: Identity;
  /** What may be sent without waiting for replies if PIPELINING is offered; absent: `mails`. */
  readonly pipelining?: Pipelining;
  /** False: BDAT is not used, even if CHUNKING is offered. */
  readonly chunking?: boolean;
  /** Most connections at the same time; absent: the setting for all primaries. */
  readonly connections?: number;
  /** Absent: the setting for all primaries. */
  readonly mailsPerConnection?: number;
  /** Most mails a second over all connections; absent: no limit. */
  readonly mailsPerSecond?: number;
}

/** Where a domain's mail goes. Either a host, or `mx`: the domain's own MX records without ours. */
export interface Primary extends Transport {
  /** Host name in A-labels, or an address without brackets; empty for `mx`. */
  readonly host: string;
  readonly port: number;
  /** Lower values are used first; primaries of equal preference share the mail at random, by weight. */
  readonly preference: number;
  /** Its share among those of equal preference; absent: 1. */
  readonly weight?: number;
  readonly mx?: boolean;
}

/** A list of recipients that is fetched from time to time. */
export interface FetchSettings {
  /** https; http only to this machine. */
  readonly url: string;
  /** Ms between two fetches. */
  readonly every: number;
  /** Absolute path; its first line is the Authorization field's value. Excludes `authorizationEnv`. */
  readonly authorizationFile?: string;
  /** Name of an environment variable. */
  readonly authorizationEnv?: string;
  /** True: a list without entries is believed. */
  readonly allowEmpty?: boolean;
}

/** Limits on the mail stored for a domain, in any state; at least one of the two is present. */
export interface Quota {
  readonly messages?: number;
  /** Octets of bodies. */
  readonly bytes?: number;
}

export interface DomainSettings {
  readonly mode: "backup" | "reflector";
  /** At least one. */
  readonly primaries: readonly Primary[];
  readonly catchAll: boolean;
  /** With `+`, mail for `alice+x` is for alice; empty string: there are no tags. */
  readonly tagSeparator: string;
  /** Applies to addresses in no list and no memory, while no primary can be asked, if the lists are not complete. */
  readonly unknownDuringOutage: "accept" | "defer" | "reject";
  /** True: the primary is asked whether a mailbox exists, and the lists are not complete. Absent: false. */
  readonly callout?: boolean;
  /** A list that is fetched over HTTP. */
  readonly fetched?: FetchSettings;
  readonly bareNewlines: "normalise" | "reject";
  /** Absent: limited by the disk only. */
  readonly quota?: Quota;
  /** Checks that the domain has of its own. */
  readonly checks?: DomainChecks;
}

export interface DomainRecord {
  /** A-labels, lower case. */
  readonly name: string;
  readonly origin: Origin;
  readonly settings: DomainSettings;
  /** Key of the declared list; absent when there is none. */
  readonly list?: number;
  /** Key of the fetched list; absent if there is none, or it was never fetched. */
  readonly fetched?: number;
  /** Deliveries paused by an operator. */
  readonly paused: boolean;
  /** When the pause ends by itself, ms since 1970; absent: only an operator ends it. */
  readonly pausedUntil?: number;
  /** The domain was removed while it had mail: it accepts no new mail and delivers what it has. */
  readonly draining: boolean;
}

/** True if the domain's list has never been fetched: mail for addresses that no other source knows is deferred. */
export function awaitsFirstList({ settings, fetched }: Pick<DomainRecord, "settings" | "fetched">): boolean {
  return settings.fetched !== undefined && fetched === undefined;
}

/** The list that contains an entry; `url`: the fetched one. */
export type RecipientOrigin = Origin | "url";

/** How a local part was found in the lists. */
export interface RecipientHit {
  /** The pattern that matched, such as `alice` or `list-*`. */
  readonly pattern: string;
  readonly origin: RecipientOrigin;
}

/** Reads the directory synchronously, on the caller's own thread. */
export interface DirectoryReader {
  /** The newest complete generation. */
  generation(): number;
  /** Throws if the domain is not found and the generation is so old that its rows may have been deleted. */
  domain(name: string, generation: number): DomainRecord | undefined;
  /** Every domain of a generation, draining ones too. */
  names(generation: number): readonly string[];
  /** Looks for `local` (comparable form) in all lists of the domain: exact first, then the longest `prefix-*`. */
  recipient(record: DomainRecord, local: string): RecipientHit | undefined;
  close(): void;
}

export interface DirectoryBrowser {
  /** Every domain of the newest generation, by name. */
  domains(): Promise<readonly DomainRecord[]>;
  /** One of them. */
  domain(name: string): Promise<DomainRecord | undefined>;
  recipients(request: RecipientListRequest): Promise<Page<RecipientHit>>;
  /**
   * Domains for which all mail but postmaster's is refused: their lists are empty, and nobody else is asked. All of
   * them, or the one that is named, if it is such a one.
   */
  refusing(domain?: string): Promise<readonly string[]>;
}

export interface RecipientListRequest {
  readonly domain: string;
  readonly limit: number;
  readonly cursor?: string;
}

export interface DeclaredDomain {
  readonly name: string;
  readonly settings: DomainSettings;
  /** Comparable local parts and `prefix-*` patterns; undefined: no declared list. */
  readonly recipients?: readonly string[];
  /** The file from which they were read. */
  readonly recipientsFile?: RecipientFile;
}

export interface RecipientFile {
  /** Absolute. */
  readonly path: string;
  /** A text that differs if the content may differ. */
  readonly mark: string;
}

/** The changes made by a new declaration, as names of domains. */
export interface DeclareResult {
  readonly generation: number;
  readonly added: readonly string[];
  readonly changed: readonly string[];
  /** Removed from the file, but still holding mail. */
  readonly draining: readonly string[];
  readonly removed: readonly string[];
}

/** Written by the main thread only, one change at a time. */
export interface DirectoryWriter {
  /**
   * Makes `domains` the complete set of origin `file`. It is written in slices, so that mail is not held up, and
   * becomes visible with one commit. Rejects with a message for the operator if a name belongs to origin `api`.
   */
  declare(domains: readonly DeclaredDomain[]): Promise<DeclareResult>;
  /** Adds a domain of origin `api`, or ends the draining of one. */
  addDomain(domain: DeclaredDomain): Promise<void>;
  /** Changes the settings of a domain of origin `api`; it goes on draining if it did. False: no such domain. */
  changeDomain(name: string, settings: DomainSettings): Promise<boolean>;
  /** Removes a domain of origin `api`, and revokes its tokens at once; with mail held it drains first. */
  removeDomain(name: string): Promise<"removed" | "draining" | "unknown" | "declared">;
  /** Pauses or resumes deliveries. False: no such domain. `until`, in ms since 1970, replaces the previous one. */
  setPaused(name: string, paused: boolean, until?: number): Promise<boolean>;
  /** Ends the pauses that are over by now; resolves to the domains. */
  endPauses(): Promise<readonly string[]>;
  /** Changes the API list of a domain of either origin, or the fetched one. */
  changeRecipients(change: RecipientChange): Promise<ListSizes>;
  /**
   * Removes draining domains that have no mail any more. A removed domain that got mail in a transaction which began
   * before its removal becomes a draining one again. Resolves to the names of both.
   */
  retire(): Promise<readonly string[]>;
}

/** The number of entries of a list before and after a change. */
export interface ListSizes {
  readonly before: number;
  readonly after: number;
}

export interface RecipientChange {
  readonly domain: string;
  readonly verb: "add" | "remove" | "replace";
  /** Comparable local parts and `prefix-*` patterns; up to 1,000,000. */
  readonly recipients: readonly string[];
  /** `replace` changes the list that is fetched, not the API's. */
  readonly fetched?: boolean;
}
