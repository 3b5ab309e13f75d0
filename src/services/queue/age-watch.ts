import type { Journal } from "../../ports/journal.ts";
import type { DomainWork } from "../../ports/work-store.ts";
import type { Clock } from "../../runtime/clock.ts";

/** Milliseconds between two warnings of one kind about one domain. */
const REPEAT = 3_600_000;
/** Shares of the retention at which a warning says that mail will expire. */
const EXPIRING = [0.5, 0.8, 0.95] as const;

/** Returns the highest share in EXPIRING that was reached. */
export function shareTold(share: number): number | undefined {
  return EXPIRING.findLast((least) => share >= least);
}

interface AgeLimits {
  /** Age of the oldest mail beyond which there is a warning, in ms. */
  readonly oldest: number;
  /** Retention of waiting mail, in ms. */
  readonly waiting: number;
}

/** The mail that waits for one domain, and since when. */
export type Aging = Pick<DomainWork, "domain" | "oldest" | "recipients">;

interface AgeParts {
  readonly journal: Journal;
  readonly clock: Clock;
}

/**
 * Warns when a domain's mail grows old: hourly beyond the operator's limit, and once each at 50, 80 and 95 % of the
 * retention. If the domain's oldest mail was younger in between, the shares are warned of again.
 */
export class AgeWatch {
  readonly #parts: AgeParts;
  /** When each warning was given, in elapsed time. */
  readonly #warned = new Map<string, number>();
  /** The highest share that was warned of, by domain. */
  #told = new Map<string, number>();

  constructor(parts: AgeParts) {
    this.#parts = parts;
  }

  look(work: readonly Aging[], limits: AgeLimits): void {
    const { journal, clock } = this.#parts;
    const now = clock.now();
    const told = new Map<string, number>();
    for (const { domain, oldest, recipients } of work) {
      const age = now - oldest;
      const share = age / limits.waiting;
      if (age > limits.oldest && this.#first(`oldest ${domain}`))
        journal.record({ kind: "queue.oldest", domain, age, recipients });
      const step = shareTold(share);
      if (step === undefined) continue;
      told.set(domain, step);
      if (step > (this.#told.get(domain) ?? 0))
        journal.record({ kind: "queue.expiring", domain, share, recipients });
    }
    this.#told = told;
    this.#forget();
  }

  #first(key: string): boolean {
    if (this.#warned.has(key)) return false;
    this.#warned.set(key, this.#parts.clock.elapsed());
    return true;
  }

  #forget(): void {
    const now = this.#parts.clock.elapsed();
    for (const [key, at] of this.#warned) if (now - at >= REPEAT) this.#warned.delete(key);
  }
}
