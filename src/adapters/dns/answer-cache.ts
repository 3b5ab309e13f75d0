import type { Lookup } from "../../ports/resolver.ts";
import { remembered } from "../../runtime/at-once.ts";
import type { Clock } from "../../runtime/clock.ts";

/** How long answers are cached, in ms. */
export interface Lifetimes {
  /** Bounds on the TTL of records that were found. */
  readonly shortest: number;
  readonly longest: number;
  readonly negative: number;
  readonly failed: number;
}

/** For host names of servers. They are short, so that a corrected record takes effect soon. */
export const OF_NAMES: Lifetimes = { shortest: 1000, longest: 60_000, negative: 5000, failed: 2000 };

/**
 * Most pending queries of one cache. If all 65,536 query ids of a resolver are in use, c-ares loops forever. Several
 * caches share a resolver, some names need two queries, and c-ares continues a query after our timeout if there are
 * three servers, so the limit must be far lower.
 */
const MAX_OPEN = 4000;
const TOO_MANY: Lookup<never> = { kind: "failed", why: "too many queries are pending" };

/** The result of a lookup and its TTL in ms. */
export interface Answer<T> {
  readonly lookup: Lookup<T>;
  readonly ttl?: number;
}

interface Entry<T> {
  readonly answer: Promise<Lookup<T>>;
  /** In elapsed time. */
  expires: number;
}

/**
 * Caches answers; concurrent lookups of the same key share one query. Holds at most `capacity` answers (the oldest is
 * evicted first) and at most `maxOpen` pending queries; a further one fails at once.
 */
export class AnswerCache<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #clock: Clock;
  readonly #capacity: number;
  readonly #lifetimes: Lifetimes;
  readonly #maxOpen: number;
  #open = 0;

  constructor(clock: Clock, capacity: number, lifetimes = OF_NAMES, maxOpen = MAX_OPEN) {
    this.#clock = clock;
    this.#capacity = capacity;
    this.#lifetimes = lifetimes;
    this.#maxOpen = maxOpen;
  }

  get(key: string, ask: () => Promise<Answer<T>>): Promise<Lookup<T>> {
    const known = this.#entries.get(key);
    if (known !== undefined && known.expires > this.#clock.elapsed()) return known.answer;
    this.#entries.delete(key);
    if (this.#open >= this.#maxOpen) return Promise.resolve(TOO_MANY);
    this.#open += 1;
    const entry: Entry<T> = {
      expires: Infinity,
      answer: remembered(
        ask().then((answer) => {
          this.#open -= 1;
          const lives = lifetime(answer, this.#lifetimes);
          entry.expires = this.#clock.elapsed() + lives;
          if (lives === 0 && this.#entries.get(key) === entry) this.#entries.delete(key);
          return answer.lookup;
        }),
      ),
    };
    this.#entries.set(key, entry);
    this.#evict();
    return entry.answer;
  }

  #evict(): void {
    if (this.#entries.size <= this.#capacity) return;
    const oldest = this.#entries.keys().next();
    if (oldest.done !== true) this.#entries.delete(oldest.value);
  }
}

function lifetime<T>({ lookup, ttl = Infinity }: Answer<T>, bounds: Lifetimes): number {
  if (lookup.kind === "none") return bounds.negative;
  if (lookup.kind === "failed") return bounds.failed;
  return Math.min(bounds.longest, Math.max(bounds.shortest, ttl));
}
