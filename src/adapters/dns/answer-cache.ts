import type { Lookup } from "../../ports/resolver.ts";
import type { Clock } from "../../runtime/clock.ts";

/** Milliseconds that an answer is believed, whatever its TTL says. */
export const LONGEST = 60_000;
const SHORTEST = 1_000;
/** An operator who repairs a name wants to see it soon. */
const NEGATIVE = 5_000;
const FAILED = 2_000;

/** A lookup's result and the milliseconds that its owner lets it live. */
export interface Answer<T> {
  readonly lookup: Lookup<T>;
  readonly ttl?: number;
}

interface Entry<T> {
  readonly answer: Promise<Lookup<T>>;
  expires: number;
}

/** Remembers answers; two who ask the same at one time share one question. Holds `capacity` answers, oldest out first. */
export class AnswerCache<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #clock: Clock;
  readonly #capacity: number;

  constructor(clock: Clock, capacity: number) {
    this.#clock = clock;
    this.#capacity = capacity;
  }

  get(key: string, ask: () => Promise<Answer<T>>): Promise<Lookup<T>> {
    const known = this.#entries.get(key);
    if (known !== undefined && known.expires > this.#clock.now()) return known.answer;
    this.#entries.delete(key);
    const entry: Entry<T> = {
      expires: Infinity,
      answer: ask().then((answer) => {
        entry.expires = this.#clock.now() + lifetime(answer);
        return answer.lookup;
      }),
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

function lifetime<T>({ lookup, ttl = LONGEST }: Answer<T>): number {
  if (lookup.kind === "none") return NEGATIVE;
  if (lookup.kind === "failed") return FAILED;
  return Math.min(LONGEST, Math.max(SHORTEST, ttl));
}
