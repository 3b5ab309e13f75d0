/**
 * Tells whether the ages of mail are in doubt, and until when. If the clock is ahead, all mail seems old.
 *
 * While the daemon runs, a jump of the clock shows this (services/delivery/ground/clock-steps.ts). At a start, the
 * clock may be ahead because the battery of the machine is empty and the clock has not been set yet. Then, according to
 * that clock, the files of the folder have not been written for a long time. If the clock is right in this case, the
 * machine was off for long, and old mail should be tried once more before it expires.
 *
 * This sign disappears as soon as the files are written: a thread or a daemon that is restarted within the day, perhaps
 * because its first start failed, would then let all mail expire. So the doubt is recorded in the folder.
 */
import type { JournalSink } from "../adapters/journal/journal.ts";
import type { DoubtNote } from "../adapters/storage/sqlite/sqlite.ts";
import { DOUBTED_FOR, LEAP } from "../runtime/clock-watch.ts";
import type { Clock } from "../runtime/clock.ts";
import { errorText, type Logger } from "../runtime/log.ts";

const DAY = 86_400_000;
/** Ms; a running daemon writes something within this time, at least at its start. */
const UNUSED = 2 * DAY;

interface Parts {
  readonly clock: Clock;
  readonly note: DoubtNote;
  /** When the folder was last written, in ms since 1970. */
  readonly lastUsed: number | undefined;
}

export class DoubtedAges {
  readonly #clock: Clock;
  readonly #note: DoubtNote;
  /** For how many ms the folder was unused, according to the clock. */
  readonly #unused: number;
  /** In elapsed time. */
  #until = -Infinity;
  /** Why the doubt at the start could not be recorded. */
  #trouble: unknown;

  private constructor({ clock, note, lastUsed }: Parts) {
    this.#clock = clock;
    this.#note = note;
    this.#unused = lastUsed === undefined ? 0 : Math.round(clock.now() - lastUsed);
    const noted = (note.read() ?? -Infinity) - clock.now();
    // A record written while the clock was ahead lies far in the future once the clock is right again.
    const left = this.#unused >= UNUSED ? DOUBTED_FOR : Math.min(DOUBTED_FOR, noted);
    if (left > 0) this.#until = clock.elapsed() + left;
  }

  /** Must be called before anything can fail, so that the next start knows of the doubt. */
  static async open(parts: Parts): Promise<DoubtedAges> {
    const ages = new DoubtedAges(parts);
    await ages.#write().catch((error: unknown) => (ages.#trouble = error));
    return ages;
  }

  /** Returns for how many ms from now on no mail expires because of its age. */
  left(): number {
    return Math.max(0, this.#until - this.#clock.elapsed());
  }

  /** Logs the doubt at the start, and follows jumps of the clock. */
  follow({ log, subscribe }: { readonly log: Logger; readonly subscribe: JournalSink["subscribe"] }): void {
    const left = this.left();
    const failed = (error: unknown): void => notNoted(error, log);
    if (this.#unused >= UNUSED) log.warn("clock.doubted", { unused: this.#unused, right: RIGHT });
    else if (left > 0) log.warn("clock.doubted", { left, right: STILL });
    if (this.#trouble !== undefined) failed(this.#trouble);
    subscribe((event) => {
      if (event.kind !== "clock.set") return;
      if (event.by >= LEAP) this.#until = this.#clock.elapsed() + DOUBTED_FOR;
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
