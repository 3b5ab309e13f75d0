/**
 * Messages between the storage thread and its clients: the methods of each role, and the format of mail in them. A body
 * is an ArrayBuffer that is transferred, or a place in the spool.
 */
import type {
  DeclareResult,
  DirectoryWriter,
  DomainSettings,
  ListSizes,
  RecipientChange,
} from "../../../../ports/directory.ts";
import type { DsnStore, OwedMail, ToldRequest } from "../../../../ports/dsn.ts";
import type { Sighting } from "../../../../ports/greylist.ts";
import type { Accepted, NewMail } from "../../../../ports/intake.ts";
import type { OperatorStore } from "../../../../ports/operator.ts";
import type { AllowedSenderStore } from "../../../../ports/quarantine.ts";
import type { FetchRecords } from "../../../../ports/recipient-lists.ts";
import type { Note } from "../../../../ports/recipient-memory.ts";
import type { RuleStore } from "../../../../ports/rules.ts";
import type { StoreCondition } from "../../../../ports/store-condition.ts";
import type { TokenStore } from "../../../../ports/tokens.ts";
import type { ClaimRequest, SettleRequest, WorkStore } from "../../../../ports/work-store.ts";
import type { Moved } from "../../../../runtime/channel.ts";
import {
  factsRow,
  newRecipientRow,
  recordRow,
  settledRow,
  type ClaimedRow,
  type FactsRow,
  type NewRecipientRow,
  type RecordRow,
  type SettledRow,
  type StoredAs,
} from "./mail-row.ts";

/** A new mail. `deadline` is the wall time in ms after which its transaction must not begin. */
export type WireMail = readonly [
  facts: FactsRow,
  record: RecordRow,
  recipients: readonly NewRecipientRow[],
  deadline: number,
];

export function wireMail(mail: NewMail, stored: StoredAs): WireMail {
  const recipients = mail.recipients.map(newRecipientRow);
  return [factsRow(mail, stored), recordRow(mail, stored), recipients, mail.deadline];
}

/** The mails of one turn. `bodies` contains the bodies that become rows, concatenated in the order of the mails. */
export interface Consignment {
  readonly mails: readonly WireMail[];
  readonly bodies: ArrayBuffer;
}

/** A mail that was claimed. */
export type WireClaim = readonly [
  token: number,
  domain: string,
  facts: FactsRow,
  recipients: readonly ClaimedRow[],
  body: ClaimedBody,
];

interface ClaimedBody {
  /** Null if the body is in a file, or lost. */
  readonly content: ArrayBuffer | null;
  /** CRC-32 from acceptance; null if the body was not read back from disk, and for old mail that has none. */
  readonly crc: number | null;
}

/** Returns the buffers that are transferred with the claims. */
export function buffersOf(claims: readonly WireClaim[]): ArrayBuffer[] {
  return claims.map(([, , , , { content }]) => content).filter((content) => content !== null);
}

/** How an attempt ended. */
export type WireSettlement = readonly [
  id: string,
  token: number,
  destination: string | null,
  now: number,
  recipients: readonly SettledRow[],
];

export function wireSettlement(request: SettleRequest): WireSettlement {
  const { id, token, destination, now, recipients } = request;
  const rows = recipients.map((settlement) => settledRow(settlement, request));
  return [id, token, destination ?? null, now, rows];
}

/** An event for the delivery thread: the format of WorkEvent in messages. */
export type WireEvent =
  | { readonly kind: "work"; readonly domain: string; readonly recipients: number }
  | { readonly kind: "claimed"; readonly mail: WireClaim }
  | { readonly kind: "condition"; readonly condition: StoreCondition };

export interface IntakeMethods {
  accept(consignment: Consignment): Promise<readonly Accepted[]>;
  /** The client is about to append bodies to this segment. */
  beginSegment(name: string): void;
  /** A client's spool file could not be written. */
  trouble(report: { readonly why: "full" | "sick"; readonly text: string }): void;
}

export type WireBody = ArrayBuffer | string;

export type WireOwed = Omit<OwedMail, "body"> & {
  readonly body?: WireBody;
  readonly size: number;
  /** CRC-32 from acceptance; null for old mail that has none. */
  readonly crc: number | null;
};

export type WireTold = Omit<ToldRequest, "notice"> & {
  readonly notice?: { readonly mail: WireMail; readonly body: ArrayBuffer };
};

export interface WorkMethods
  extends
    Pick<WorkStore, "work" | "wake" | "due" | "accepted" | "unhold" | "encrypted" | "expire">,
    Pick<DsnStore, "delayed"> {
  claim(request: ClaimRequest): Promise<Moved<readonly WireClaim[]>>;
  grant(grant: { readonly domain: string; readonly credits: number }): void;
  settle(settlement: WireSettlement): Promise<boolean>;
  owed(request: Parameters<DsnStore["owed"]>[0]): Promise<Moved<readonly WireOwed[]>>;
  told(request: WireTold): Promise<boolean>;
  rememberTls(change: { readonly destination: string; readonly encrypted: boolean }): Promise<void>;
}

export type WireSighting = Sighting & { readonly key: string };

/** What a primary replied about an address; the address is in its comparable form. */
export interface WireNote {
  readonly address: string;
  readonly note: Note;
}

export interface MemoryMethods {
  /** Stores sightings of greylisting together. */
  note(sightings: readonly WireSighting[]): Promise<void>;
  learn(notes: readonly WireNote[]): Promise<void>;
}

/** A declared domain without its recipients. */
export interface StagedDomain {
  readonly name: string;
  readonly settings: DomainSettings;
  /** Hash of its sorted list; absent if it has no list. */
  readonly hash?: string;
}

/** A new list that has yet to be filled. */
export interface WantedList {
  readonly name: string;
  readonly list: number;
}

export interface EntrySlice {
  readonly list: number;
  readonly patterns: readonly string[];
}

export interface NewDomain {
  readonly domain: StagedDomain;
  /** Its staged API list. */
  readonly list?: number;
}

/** Tables of a domain's lists other than the declared one: those of the API, and the fetched ones. */
export type SideTable = "overlay" | "fetched";

/** A new list for a domain, which will replace its present one in `table`. */
export interface SideListPlan {
  readonly table: SideTable;
  readonly domain: string;
  /** Whether the present entries are copied. */
  readonly keep: boolean;
  /** Whether the domain itself has yet to be added. */
  readonly fresh: boolean;
}

export interface PauseChange {
  readonly name: string;
  readonly paused: boolean;
  readonly until?: number;
}

export interface ControlMethods
  extends
    OperatorStore,
    TokenStore,
    RuleStore,
    AllowedSenderStore,
    FetchRecords,
    Pick<DirectoryWriter, "removeDomain" | "endPauses" | "retire"> {
  stageOpen(): Promise<void>;
  stageDomains(domains: readonly StagedDomain[]): Promise<readonly WantedList[]>;
  stageEntries(slices: readonly EntrySlice[]): Promise<void>;
  stageFlip(): Promise<DeclareResult>;
  stageDiscard(): Promise<void>;
  addDomain(domain: NewDomain): Promise<void>;
  changeDomain(domain: NewDomain["domain"]): Promise<boolean>;
  setPaused(change: PauseChange): Promise<boolean>;
  changeEntries(change: RecipientChange): Promise<ListSizes>;
  sideListOpen(plan: SideListPlan): Promise<number>;
  sideListAdd(slice: EntrySlice): Promise<void>;
  sideListRemove(slice: EntrySlice): Promise<void>;
  sideListFlip(change: { readonly domain: string; readonly list: number }): Promise<ListSizes>;
}
