/**
 * Whether the ages of mail are in doubt, and until when. To a clock that is ahead all mail is old.
 *
 * While the daemon runs, a leap of the clock shows that (services/delivery/ground/clock-steps.ts). At a start, the clock
 * may be ahead because the battery of the machine is empty and nobody has set it yet. That is seen by the files of the
 * folder: by that clock nobody has written them for long. Where that is true, the machine was off, and old mail should
 * be tried once more before it is given up.
 *
 * Either is over for the files as soon as they are written: a thread or a daemon that is started again before the day
 * has passed, perhaps because its first start failed, would give up all mail. So the doubt is noted in the folder.
 */
import type { JournalSink } from "../adapters/journal/journal.ts";
import type { DoubtNote } from "../adapters/storage/sqlite/sqlite.ts";
import { LEAP } from "../runtime/clock-watch.ts";
import type { Clock } from "../runtime/clock.ts";
import { errorText, type Logger } from "../runtime/log.ts";

const DAY = 86_400_000;
/** A daemon that runs writes something in this time, if only at its start; ms. */
const UNUSED = 2 * DAY;

interface Parts {
  readonly clock: Clock;
  readonly note: DoubtNote;
  /** When the folder was written last, ms since 1970. */
  readonly lastUsed: number | undefined;
}

export class DoubtedAges {
  readonly #clock: Clock;
  readonly #note: DoubtNote;
  /** Ms for which the folder was unused, by the clock. */
  readonly #unused: number;
  /** In elapsed time. */
  #until = -Infinity;
  /** Why the doubt that there was at the start could not be noted. */
  #trouble: unknown;

  private constructor({ clock, note, lastUsed }: Parts) {
    this.#clock = clock;
    this.#note = note;
    this.#unused = lastUsed === undefined ? 0 : Math.round(clock.now() - lastUsed);
    const noted = (note.read() ?? -Infinity) - clock.now();
    // A note of a clock that was ahead and is right again lies far in the future.
    const left = this.#unused >= UNUSED ? DAY : Math.min(DAY, noted);
    if (left > 0) this.#until = clock.elapsed() + left;
  }

  /** To be called before anything can fail, so that the next start knows. */
  static async open(parts: Parts): Promise<DoubtedAges> {
    const ages = new DoubtedAges(parts);
    await ages.#write().catch((error: unknown) => (ages.#trouble = error));
    return ages;
  }

  /** For how many ms from now on nothing ends because it is old. */
  left(): number {
    return Math.max(0, this.#until - this.#clock.elapsed());
  }

  /** Says what is doubted, and learns of leaps. */
  follow({ log, subscribe }: { readonly log: Logger; readonly subscribe: JournalSink["subscribe"] }): void {
    const left = this.left();
    const failed = (error: unknown): void => notNoted(error, log);
    if (this.#unused >= UNUSED) log.warn("clock.doubted", { unused: this.#unused, right: RIGHT });
    else if (left > 0) log.warn("clock.doubted", { left, right: STILL });
    if (this.#trouble !== undefined) failed(this.#trouble);
    subscribe((event) => {
      if (event.kind !== "clock.set") return;
      if (event.by >= LEAP) this.#until = this.#clock.elapsed() + DAY;
      void this.#write().catch(failed);
    });
  }

  async #write(): Promise<void> {
    const left = this.left();
    if (left > 0) await this.#note.write(this.#clock.now() + left);
  }
}

const RIGHT =
  "check the clock of this machine: according to it, the data folder was unused for long; so no mail expires for a day";
const STILL =
  "check the clock of this machine: it jumped, or the data folder was unused for long, within the last day; so no mail expires for as long as is left";

function notNoted(error: unknown, log: Logger): void {
  log.warn("a new start within the next day would not know that the ages of mail are in doubt", {
    error: errorText(error),
  });
}
