/** Lists of recipients that are fetched over HTTP. */
import type { FetchSettings } from "./directory.ts";

export interface FetchRequest extends Pick<FetchSettings, "url" | "authorizationFile" | "authorizationEnv"> {
  /** The entity tag of the present list; the server need not send that list again (RFC 9110 §8.8.3). */
  readonly etag?: string;
}

export type FetchAnswer =
  /** The entries as written, not checked yet. */
  | { readonly kind: "list"; readonly entries: readonly string[]; readonly etag?: string }
  | { readonly kind: "unchanged" }
  | { readonly kind: "failed"; readonly why: string };

export interface ListServer {
  /** Bounded in time and octets; never rejects. `ending` aborts it, which counts as a failure. */
  fetch(request: FetchRequest, ending: AbortSignal): Promise<FetchAnswer>;
}

/** What is stored about a domain's list between two fetches. Times in ms since 1970. */
export interface FetchRecord {
  readonly url: string;
  readonly etag?: string;
  /** The number of recipients in the last good list. */
  readonly entries: number;
  /** When the server last sent a list, or answered that it had not changed. */
  readonly checkedAt: number;
  /** When it last changed. */
  readonly changedAt: number;
}

/** Written by the main thread only. */
export interface FetchRecords {
  fetchRecords(): Promise<ReadonlyMap<string, FetchRecord>>;
  noteFetch(note: { readonly domain: string; readonly record: FetchRecord }): Promise<void>;
}
