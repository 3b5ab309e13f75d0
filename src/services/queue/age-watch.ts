import type { Journal } from "../../ports/journal.ts";
import type { DomainWork } from "../../ports/work-store.ts";

/** Milliseconds between two warnings of one kind about one domain. */
const REPEAT = 3_600_000;
/** Shares of the retention at which it is told that mail is about to be given up. */
const EXPIRING = [0.5, 0.8, 0.95] as const;

/** The highest share that is worth an alert and was reached. */
export function shareTold(share: number): number | undefined {
  return EXPIRING.findLast((least) => share >= least);
}

interface AgeLimits {
  /** Age of the oldest mail that is worth an alert, in ms. */
  readonly oldest: number;
  /** Retention of waiting mail, in ms. */
  readonly waiting: number;
}

/**
 * Warns when a domain's mail grows old: hourly beyond the operator's limit, and once at 50, 80 and 95 % of the
 * retention; again when the domain's oldest mail was younger in between.
 */
export class AgeWatch {
  readonly #journal: Journal;
  readonly #warned = new Map<string, number>();
  /** The highest share that was told, by domain. */
  #told = new Map<string, number>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  look(work: readonly DomainWork[], limits: AgeLimits, now: number): void {
    const told = new Map<string, number>();
    for (const { domain, oldest, recipients } of work) {
      const age = now - oldest;
      const share = age / limits.waiting;
      if (age > limits.oldest && this.#first(`oldest ${domain}`, now))
        this.#journal.record({ kind: "queue.oldest", domain, age, recipients });
      const step = shareTold(share);
      if (step === undefined) continue;
      told.set(domain, step);
      if (step > (this.#told.get(domain) ?? 0))
        this.#journal.record({ kind: "queue.expiring", domain, share, recipients });
    }
    this.#told = told;
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
