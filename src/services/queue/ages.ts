import type { Journal } from "../../ports/journal.ts";
import type { DomainWork } from "../../ports/queue.ts";

/** Milliseconds between two warnings of one kind about one domain. */
const REPEAT = 3_600_000;
/** Share of the retention beyond which mail is about to be lost to its age. */
const EXPIRING = 0.8;

export interface AgeLimits {
  /** Age of the oldest mail that is worth an alert, in ms. */
  readonly oldest: number;
  /** Retention of waiting mail, in ms. */
  readonly waiting: number;
}

/** Warns when a domain's mail grows old; each warning at most once an hour a domain. */
export class AgeWatch {
  readonly #journal: Journal;
  readonly #warned = new Map<string, number>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  look(work: readonly DomainWork[], limits: AgeLimits, now: number): void {
    for (const { domain, oldest, recipients } of work) {
      const age = now - oldest;
      const share = age / limits.waiting;
      if (age > limits.oldest && this.#first(`oldest ${domain}`, now))
        this.#journal.record({ kind: "queue.oldest", domain, age, recipients });
      if (share >= EXPIRING && this.#first(`expiring ${domain}`, now))
        this.#journal.record({ kind: "queue.expiring", domain, share, recipients });
    }
    this.#forget(now);
  }

  #first(key: string, now: number): boolean {
    if (this.#warned.has(key)) return false;
    this.#warned.set(key, now);
    return true;
  }

  #forget(now: number): void {
    for (const [key, at] of this.#warned) if (now - at >= REPEAT) this.#warned.delete(key);
  }
}
