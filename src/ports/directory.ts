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
  /** Absolute path; its first line is the password. One of the two is there. */
  readonly passwordFile?: string;
  /** Name of an environment variable. */
  readonly passwordEnv?: string;
  /** Absent: what the primary offers, `plain` first. */
  readonly method?: "plain" | "login";
}

/**
 * What a primary is told of the client that brought a mail. `headers`: our header fields, and XFORWARD where it is
 * offered; `xforward`: the same, with an alert if it is not offered; `xclient`: the primary sees the client itself.
 */
export type Identity = "headers" | "xforward" | "xclient";

/** `envelope`: MAIL, RCPT and DATA of one mail; `mails`: also the next envelope together with a body. */
type Pipelining = "none" | "envelope" | "mails";

/** How a primary is spoken to. */
export interface Transport {
  readonly tls: TlsLevel;
  /** TLS from the first octet on; absent: at port 465. */
  readonly implicitTls?: boolean;
  /** SHA-256 of certificates or public keys, in hexadecimal; one of them must fit, for level `pin`. */
  readonly pins?: readonly string[];
  readonly login?: Login;
  /** Absent: `headers`. */
  readonly identity?: Identity;
  /** What may leave without waiting for replies, where PIPELINING is offered; absent: `mails`. */
  readonly pipelining?: Pipelining;
  /** False: BDAT is not used although CHUNKING is offered. */
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
  /** Lower first; equal ones are shared at random, by weight. */
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
  /** Absolute path; its first line is the value of the Authorization field. At most one of the two is there. */
  readonly authorizationFile?: string;
  /** Name of an environment variable. */
  readonly authorizationEnv?: string;
  /** A list without entries is believed. */
  readonly allowEmpty?: boolean;
}

/** How much may be stored for a domain, in whatever state; at least one of the two. */
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
  /** `alice+x` is alice; empty string: tags mean nothing. */
  readonly tagSeparator: string;
  /** For addresses that neither list nor memory knows, while no primary can tell; where no list is complete. */
  readonly unknownDuringOutage: "accept" | "defer" | "reject";
  /** The primary is asked whether a mailbox exists; the lists are not complete then. Absent: false. */
  readonly callout?: boolean;
  /** A list that is fetched over HTTP. */
  readonly fetched?: FetchSettings;
  readonly bareNewlines: "normalise" | "reject";
  /** Absent: no limit but the disk. */
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
  /** Key of the fetched list; absent when there is none, or none was ever fetched. */
  readonly fetched?: number;
  /** Deliveries paused by an operator. */
  readonly paused: boolean;
  /** When the pause ends by itself, ms since 1970; absent: when an operator says so. */
  readonly pausedUntil?: number;
  /** Vanished from the configuration while mail is held: accepts no new mail, delivers what it has. */
  readonly draining: boolean;
}

/** It fetches a list, and none has come yet: mail for addresses that no other source knows is deferred. */
export function awaitsFirstList({ settings, fetched }: Pick<DomainRecord, "settings" | "fetched">): boolean {
  return settings.fetched !== undefined && fetched === undefined;
}

/** The list that an entry stands in; `url`: the one that is fetched. */
export type RecipientOrigin = Origin | "url";

/** How a local part was found in the lists. */
export interface RecipientHit {
  /** The pattern that matched, such as `alice` or `list-*`. */
  readonly pattern: string;
  readonly origin: RecipientOrigin;
}

/** Looks things up on the caller's own thread, without waiting for another. */
export interface DirectoryReader {
  /** The newest complete generation. */
  generation(): number;
  /** Throws when it is not there and the generation is so old that its rows may be gone. */
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
  /** What they were read from. */
  readonly recipientsFile?: RecipientFile;
}

export interface RecipientFile {
  /** Absolute. */
  readonly path: string;
  /** Another text for another content. */
  readonly mark: string;
}

/** What a new declaration changed; names of domains. */
export interface DeclareResult {
  readonly generation: number;
  readonly added: readonly string[];
  readonly changed: readonly string[];
  /** Vanished from the file but still holding mail. */
  readonly draining: readonly string[];
  readonly removed: readonly string[];
}

/** Written by the main thread only, one change at a time. */
export interface DirectoryWriter {
  /**
   * Makes `domains` the whole of origin `file`: staged in slices that do not disturb mail in flow, visible
   * all at once. Rejects with a message for the operator when a name belongs to origin `api`.
   */
  declare(domains: readonly DeclaredDomain[]): Promise<DeclareResult>;
  /** Adds a domain of origin `api`, or takes one back that drains. */
  addDomain(domain: DeclaredDomain): Promise<void>;
  /** Gives a domain of origin `api` other settings; whether it drains stays. False: there is none. */
  changeDomain(name: string, settings: DomainSettings): Promise<boolean>;
  /** Removes a domain of origin `api`; with mail held it drains first. */
  removeDomain(name: string): Promise<"removed" | "draining" | "unknown" | "declared">;
  /** Pauses, or lets go on; false: no such domain. `until` in ms since 1970 replaces what was said before. */
  setPaused(name: string, paused: boolean, until?: number): Promise<boolean>;
  /** Ends the pauses whose time has come; answers the domains. */
  endPauses(): Promise<readonly string[]>;
  /** Changes the API list of a domain of either origin, or the fetched one. */
  changeRecipients(change: RecipientChange): Promise<ListSizes>;
  /**
   * Removes draining domains that hold nothing any more, and lets those drain that got mail in transactions which began
   * before they were removed; answers the names of both.
   */
  retire(): Promise<readonly string[]>;
}

/** How many entries a list had before a change, and has after it. */
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
