import { ClockWatch, LEAP } from "../../../runtime/clock-watch.ts";
import type { Job } from "../../../runtime/schedule.ts";
import type { DeliveryParts } from "./parts.ts";

/** Milliseconds. */
const LOOK_EVERY = 10_000;
/** A leap may have been a mistake: for so many ms, nothing ends because it is old by that clock. */
const DAY = 86_400_000;

interface ClockStepParts extends Pick<DeliveryParts, "clock" | "journal" | "agesDoubted"> {
  /** Makes due what a clock that went back would hold. */
  readonly wakeAll: () => Promise<void>;
}

/** What follows when the wall clock is set while the daemon runs, when the machine slept, or when a start doubts its clock. */
export class ClockSteps {
  readonly job: Job = { name: "clock.steps", every: LOOK_EVERY, run: () => this.#look() };
  readonly #parts: ClockStepParts;
  readonly #watch: ClockWatch;
  /** In elapsed time. */
  #doubtedUntil = -Infinity;
  #wentBack = false;

  constructor(parts: ClockStepParts) {
    this.#parts = parts;
    this.#watch = new ClockWatch(parts.clock);
    const { agesDoubted = 0, clock } = parts;
    if (agesDoubted > 0) this.#doubtedUntil = clock.elapsed() + agesDoubted;
  }

  /** Whether the age of mail can be believed: not for a day after the clock leapt by a day or more, or seems to have. */
  timely(): boolean {
    this.#note();
    return this.#parts.clock.elapsed() >= this.#doubtedUntil;
  }

  async #look(): Promise<void> {
    this.#note();
    if (!this.#wentBack) return;
    this.#wentBack = false;
    try {
      await this.#parts.wakeAll();
    } catch (error) {
      this.#wentBack = true;
      throw error;
    }
  }

  #note(): void {
    const by = this.#watch.look();
    if (by === 0) return;
    this.#parts.journal.record({ kind: "clock.set", by });
    if (by >= LEAP) this.#doubtedUntil = this.#parts.clock.elapsed() + DAY;
    if (by < 0) this.#wentBack = true;
  }
}
