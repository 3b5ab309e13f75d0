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
const OF_NAMES: Lifetimes = { shortest: 1000, longest: 60_000, negative: 5000, failed: 2000 };

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

/** Remembers answers; two who ask the same at one time share one question. Holds `capacity` answers, oldest out first. */
export class AnswerCache<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #clock: Clock;
  readonly #capacity: number;
  readonly #lifetimes: Lifetimes;

  constructor(clock: Clock, capacity: number, lifetimes = OF_NAMES) {
    this.#clock = clock;
    this.#capacity = capacity;
    this.#lifetimes = lifetimes;
  }

  get(key: string, ask: () => Promise<Answer<T>>): Promise<Lookup<T>> {
    const known = this.#entries.get(key);
    if (known !== undefined && known.expires > this.#clock.elapsed()) return known.answer;
    this.#entries.delete(key);
    const entry: Entry<T> = {
      expires: Infinity,
      answer: remembered(
        ask().then((answer) => {
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
