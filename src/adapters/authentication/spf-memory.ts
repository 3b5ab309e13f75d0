import type { SpfAnswer, SpfQuestion } from "../../ports/authentication.ts";
import { remembered } from "../../runtime/at-once.ts";
import type { Clock } from "../../runtime/clock.ts";

/** How long an answer is used again, in ms. */
const BELIEVED = 60_000;
/** Most answers that are remembered. */
const CAPACITY = 5000;

interface Known {
  readonly answer: Promise<SpfAnswer>;
  /** In elapsed time. */
  readonly until: number;
}

/**
 * Caches SPF answers for a client that sends many mails of one sender. An SPF policy may depend on every part of the
 * question, so only an identical question is answered from the cache. A `temperror` is never remembered.
 */
export class SpfMemory {
  readonly #known = new Map<string, Known>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  answer(question: SpfQuestion, ask: () => Promise<SpfAnswer>): Promise<SpfAnswer> {
    const key = `${question.ip}\n${question.helo}\n${question.sender}`;
    const now = this.#clock.elapsed();
    const known = this.#known.get(key);
    if (known !== undefined && now < known.until) return known.answer;
    this.#known.delete(key);
    const answer = remembered(ask());
    const fresh = { answer, until: now + BELIEVED };
    this.#known.set(key, fresh);
    const [oldest] = this.#known.keys();
    if (this.#known.size > CAPACITY && oldest !== undefined) this.#known.delete(oldest);
    void answer.then(({ result }) => {
      if (result === "temperror" && this.#known.get(key) === fresh) this.#known.delete(key);
    });
    return answer;
  }
}
