import { printable } from "../../mail/reply.ts";
import { readPattern } from "../../mail/recipient-pattern.ts";
import type { DomainRecord, FetchSettings, RecipientChange } from "../../ports/directory.ts";
import type { Journal } from "../../ports/journal.ts";
import type { FetchRecord, FetchRecords, ListServer } from "../../ports/recipient-lists.ts";
import type { Clock } from "../../runtime/clock.ts";
import { errorText } from "../../runtime/log.ts";

interface FetchParts {
  /** The current domains; those that fetch nothing may be left out. */
  readonly domains: () => readonly DomainRecord[];
  readonly server: ListServer;
  readonly records: FetchRecords;
  /** Replaces the domain's list in one step for all readers. */
  readonly replace: (change: RecipientChange) => Promise<number>;
  readonly journal: Journal;
  readonly clock: Clock;
}

/** The state of a domain's fetched list. Times in ms since 1970. */
export interface FetchStatus {
  readonly url: string;
  /** Number of recipients in the last good list; absent if there was none. */
  readonly entries?: number;
  readonly checkedAt?: number;
  readonly changedAt?: number;
  /** Why the last fetch failed; absent if it succeeded. */
  readonly error?: string;
  readonly failedAt?: number;
}

interface Standing {
  readonly url: string;
  triedAt: number;
  record: FetchRecord | undefined;
  error: string | undefined;
}

/** A fetch that failed is repeated after this time in ms, or after the usual interval if that is shorter. */
const AGAIN = 60_000;
const MOST_ENTRIES = 1_000_000;

/** Fetches at a time: several, so that one slow server does not delay the others; few, because lists can be large. */
const AT_ONCE = 4;

type Wanted = DomainRecord & { readonly settings: { readonly fetched: FetchSettings } };

/**
 * Fetches the lists of domains over HTTP when they are due, a few at a time. If a fetch fails, or the new list has an
 * entry that is no recipient, or is empty without permission, the previous list stays in use.
 */
export class Fetches {
  readonly #parts: FetchParts;
  readonly #standings = new Map<string, Standing>();
  #records: ReadonlyMap<string, FetchRecord> | undefined;
  readonly #ending = new AbortController();

  constructor(parts: FetchParts) {
    this.#parts = parts;
  }

  status(domain: string): FetchStatus | undefined {
    const standing = this.#standings.get(domain);
    if (standing === undefined) return undefined;
    const { url, record, error, triedAt } = standing;
    return {
      url,
      ...(record !== undefined && {
        entries: record.entries,
        checkedAt: record.checkedAt,
        changedAt: record.changedAt,
      }),
      ...(error !== undefined && { error, failedAt: triedAt }),
    };
  }

  /** Fetches the lists that are due. */
  async look(): Promise<void> {
    this.#records ??= await this.#parts.records.fetchRecords();
    const wanted = this.#parts.domains().filter(isWanted);
    const names = new Set(wanted.map(({ name }) => name));
    for (const name of this.#standings.keys()) if (!names.has(name)) this.#standings.delete(name);
    const queue = wanted.values();
    const work = async (): Promise<void> => {
      for (const domain of queue) if (this.#isDue(domain)) await this.#fetch(domain);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  /** Aborts running fetches and starts no more, so that a stop does not wait for other servers. */
  stop(): void {
    this.#ending.abort();
  }

  #isDue(domain: Wanted): boolean {
    if (this.#ending.signal.aborted) return false;
    const { every } = domain.settings.fetched;
    const { triedAt, error } = this.#standing(domain);
    const age = this.#parts.clock.now() - triedAt;
    // A negative age means that the clock was set back.
    return age < 0 || age >= (error === undefined ? every : Math.min(every, AGAIN));
  }

  /** Returns the state of a list. It begins with the stored record, so that a restart fetches nothing early. */
  #standing({ name, settings, fetched }: Wanted): Standing {
    const { url } = settings.fetched;
    const known = this.#standings.get(name);
    if (known?.url === url) return known;
    const stored = known?.record ?? this.#records?.get(name);
    const record = fetched === undefined ? undefined : stored;
    const same = record?.url === url;
    const standing: Standing = {
      url,
      triedAt: same ? record.checkedAt : -Infinity,
      record,
      error: undefined,
    };
    this.#standings.set(name, standing);
    return standing;
  }

  async #fetch(domain: Wanted): Promise<void> {
    const standing = this.#standing(domain);
    standing.triedAt = this.#parts.clock.now();
    const why = await this.#tryOnce(domain, standing).catch(errorText);
    if (this.#ending.signal.aborted) return;
    if (why !== undefined && standing.error === undefined) {
      const first = standing.record === undefined && { first: true as const };
      this.#parts.journal.record({ kind: "recipients.stuck", domain: domain.name, why, ...first });
    }
    standing.error = why;
  }

  /** Fetches once. Returns why that failed; rejects if the store does not accept the list. */
  async #tryOnce({ name, settings }: Wanted, standing: Standing): Promise<string | undefined> {
    const { server, clock } = this.#parts;
    const { every: _, allowEmpty = false, ...source } = settings.fetched;
    const { url } = source;
    const etag = standing.record?.url === url ? standing.record.etag : undefined;
    const request = { ...source, ...(etag !== undefined && { etag }) };
    const answer = await server.fetch(request, this.#ending.signal);
    if (answer.kind === "failed") return answer.why;
    const now = clock.now();
    if (answer.kind === "unchanged")
      return this.#keep(name, standing, { ...(standing.record as FetchRecord), checkedAt: now });
    const patterns = patternsOf(answer.entries, name);
    if (typeof patterns === "string") return patterns;
    if (patterns.length === 0 && !allowEmpty)
      return "the list is empty; `allowEmpty: true` would believe that";
    const entries = await this.#parts.replace({
      domain: name,
      verb: "replace",
      recipients: patterns,
      fetched: true,
    });
    this.#parts.journal.record({ kind: "recipients.fetched", domain: name, entries });
    const tag = answer.etag === undefined ? {} : { etag: answer.etag };
    return this.#keep(name, standing, { url, entries, checkedAt: now, changedAt: now, ...tag });
  }

  async #keep(domain: string, standing: Standing, record: FetchRecord): Promise<undefined> {
    standing.record = record;
    await this.#parts.records.noteFetch({ domain, record });
  }
}

function isWanted(domain: DomainRecord): domain is Wanted {
  return domain.settings.fetched !== undefined && !domain.draining;
}

/** Returns the patterns without duplicates and other domains; an error message if an entry is malformed. */
function patternsOf(entries: readonly string[], domain: string): readonly string[] | string {
  if (entries.length > MOST_ENTRIES) return `the list has more than ${MOST_ENTRIES} entries`;
  const patterns = new Set<string>();
  for (const [index, entry] of entries.entries()) {
    const reading = readPattern(entry.trim(), domain);
    if (reading.kind === "pattern") patterns.add(reading.pattern);
    if (reading.kind === "malformed")
      return `entry ${index + 1}, ${JSON.stringify(printable(entry.slice(0, 100)))}, is no recipient`;
  }
  return [...patterns];
}
