import type { Journal } from "../../ports/journal.ts";
import type { Clock } from "../../runtime/clock.ts";
import { ClockWatch } from "../../runtime/clock-watch.ts";
import type { Job } from "../../runtime/schedule.ts";

/** Milliseconds. */
const LOOK_EVERY = 10_000;
/** A leap of this many ms may have been a mistake: for as long, nothing ends because it is old by that clock. */
const DAY = 86_400_000;
/** The same from the start on: the machine may have been off, with a clock that nobody has set yet. */
const AT_START = 3_600_000;

interface ClockStepParts {
  readonly clock: Clock;
  readonly journal: Journal;
  /** Makes due what a clock that went back would hold. */
  readonly wakeAll: () => Promise<void>;
}

/** What follows when the wall clock is set while the daemon runs, or the machine slept or was off. */
export class ClockSteps {
  readonly job: Job = { name: "clock.steps", every: LOOK_EVERY, run: () => this.#look() };
  readonly #parts: ClockStepParts;
  readonly #watch: ClockWatch;
  /** In elapsed time. */
  #doubtedUntil: number;
  #wentBack = false;

  constructor(parts: ClockStepParts) {
    this.#parts = parts;
    this.#watch = new ClockWatch(parts.clock);
    this.#doubtedUntil = parts.clock.elapsed() + AT_START;
  }

  /** Whether the age of mail can be believed: not in the first hour, nor for a day after a leap of a day or more. */
  timely(): boolean {
    this.#note();
    return this.#parts.clock.elapsed() >= this.#doubtedUntil;
  }

  async #look(): Promise<void> {
    this.#note();
    if (!this.#wentBack) return;
    this.#wentBack = false;
    await this.#parts.wakeAll();
  }

  #note(): void {
    const by = this.#watch.look();
    if (by === 0) return;
    this.#parts.journal.record({ kind: "clock.set", by });
    if (by >= DAY) this.#doubtedUntil = this.#parts.clock.elapsed() + DAY;
    if (by < 0) this.#wentBack = true;
  }
}
