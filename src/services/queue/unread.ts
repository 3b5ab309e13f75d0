import type { Journal } from "../../ports/journal.ts";
import type { Quarantined, QueueReader } from "../../ports/operator.ts";
import { shareTold } from "./ages.ts";

/**
 * Warns when nobody looks at the quarantine: once at 50, 80 and 95 % of the time after which its oldest mail is
 * deleted, and again when that was younger in between.
 */
export class QuarantineWatch {
  readonly #queue: Pick<QueueReader, "quarantined">;
  readonly #journal: Journal;
  #told = 0;

  constructor(queue: Pick<QueueReader, "quarantined">, journal: Journal) {
    this.#queue = queue;
    this.#journal = journal;
  }

  /** `retention` of mail in quarantine in ms, `now` in ms since 1970. */
  async look(retention: number, now: number): Promise<void> {
    const { recipients, oldest = now }: Quarantined = await this.#queue.quarantined();
    const age = now - oldest;
    const step = shareTold(age / retention) ?? 0;
    if (step > this.#told)
      this.#journal.record({
        kind: "quarantine.unread",
        recipients,
        age,
        left: Math.max(0, retention - age),
      });
    this.#told = step;
  }
}
