import { ClockWatch, DOUBTED_FOR, LEAP } from "../../../runtime/clock-watch.ts";
import type { Job } from "../../../runtime/schedule.ts";
import type { DeliveryParts } from "./parts.ts";

/** Milliseconds. */
const LOOK_EVERY = 10_000;

interface ClockStepParts extends Pick<DeliveryParts, "clock" | "journal" | "agesDoubted"> {
  /** Makes all waiting mail due; its due times would be too far away by a clock that was set back. */
  readonly wakeAll: () => Promise<void>;
}

/** Reacts when the wall clock is set, when the machine slept, or when the clock is in doubt at the start. */
export class ClockSteps {
  readonly job: Job = { name: "clock.steps", every: LOOK_EVERY, run: () => this.#look() };
  readonly #parts: ClockStepParts;
  readonly #watch: ClockWatch;
  /** The age of mail is in doubt until then; in elapsed time. */
  #doubtedUntil = -Infinity;
  #wentBack = false;

  constructor(parts: ClockStepParts) {
    this.#parts = parts;
    this.#watch = new ClockWatch(parts.clock);
    const { agesDoubted = 0, clock } = parts;
    if (agesDoubted > 0) this.#doubtedUntil = clock.elapsed() + agesDoubted;
  }

  /** Whether the age of mail can be believed. It cannot for a day after the clock jumped ahead by a day or more. */
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
    if (by >= LEAP) this.#doubtedUntil = this.#parts.clock.elapsed() + DOUBTED_FOR;
    if (by < 0) this.#wentBack = true;
  }
}
