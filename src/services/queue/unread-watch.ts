import type { Journal } from "../../ports/journal.ts";
import type { QueueReader } from "../../ports/operator.ts";
import { shareTold } from "./age-watch.ts";
import type { Retention } from "./expiry.ts";

/** Mail that waits for an operator: since when (ms since 1970), and how long it is kept (ms). */
interface Kept {
  readonly since: number | undefined;
  readonly retention: number;
}

type Alarm = "quarantine.unread" | "parked.unread";

/**
 * Warns before unread mail in the quarantine, or parked mail, is deleted: once each when its oldest mail reaches 50, 80
 * and 95 % of the retention, and again if the oldest mail was younger in between.
 */
export class UnreadWatch {
  readonly #queue: Pick<QueueReader, "quarantined" | "parked">;
  readonly #journal: Journal;
  readonly #told: Record<Alarm, number> = { "quarantine.unread": 0, "parked.unread": 0 };

  constructor(queue: Pick<QueueReader, "quarantined" | "parked">, journal: Journal) {
    this.#queue = queue;
    this.#journal = journal;
  }

  /** `now` in ms since 1970. */
  async look(retention: Retention, now: number): Promise<void> {
    const { quarantine, parked, refusedContent = parked } = retention;
    const aside = await this.#queue.quarantined();
    this.#tell("quarantine.unread", aside.recipients, [{ since: aside.oldest, retention: quarantine }], now);
    const { recipients, oldest, oldestContent } = await this.#queue.parked();
    const kept = [
      { since: oldest, retention: parked },
      { since: oldestContent, retention: refusedContent },
    ];
    this.#tell("parked.unread", recipients, kept, now);
  }

  #tell(kind: Alarm, recipients: number, kept: readonly Kept[], now: number): void {
    let [share, age, left] = [0, 0, 0];
    for (const { since = now, retention } of kept) {
      if ((now - since) / retention <= share) continue;
      age = now - since;
      share = age / retention;
      left = Math.max(0, retention - age);
    }
    const step = shareTold(share) ?? 0;
    if (step > this.#told[kind]) this.#journal.record({ kind, recipients, age, left });
    this.#told[kind] = step;
  }
}
