import type { Lookup } from "../../ports/resolver.ts";
import { remembered } from "../../runtime/at-once.ts";
import type { Clock } from "../../runtime/clock.ts";

/** How long answers are believed, in ms. */
export interface Lifetimes {
  /** Bounds on the TTL of what was found. */
  readonly shortest: number;
  readonly longest: number;
  readonly negative: number;
  readonly failed: number;
}

/** For names of servers: an operator who repairs a name wants to see it soon. */
export const OF_NAMES: Lifetimes = { shortest: 1000, longest: 60_000, negative: 5000, failed: 2000 };

/**
 * Questions without an answer. c-ares spins for ever where all 65,536 ids of a resolver are taken: by several caches, of
 * two questions for some names, each of which it goes on with, where there are three servers, after we have given it up.
 */
const MAX_OPEN = 4000;
const TOO_MANY: Lookup<never> = { kind: "failed", why: "too many queries are pending" };

/** A lookup's result and the milliseconds that its owner lets it live. */
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
 * Remembers answers; two who ask the same at one time share one question. Holds `capacity` answers, oldest out first, and
 * has `maxOpen` questions under way at most: one beyond that fails at once.
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
