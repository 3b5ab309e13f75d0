import type { Clock } from "./clock.ts";

/** Ms; the usual corrections of a clock are smaller than this. */
const LEAST = 60_000;

/**
 * Ms; after a step of at least this size all mail may seem old because the clock is wrong, so ages are not believed for
 * a while.
 */
export const LEAP = 86_400_000;
/** Ms for which no mail ends because of its age, once the clock is in doubt: time to set it right. */
export const DOUBTED_FOR = 86_400_000;

/** Notices that the wall clock was set: wall time and elapsed time have then advanced differently. */
export class ClockWatch {
  readonly #clock: Clock;
  #difference: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#difference = this.#measure();
  }

  /**
   * Returns by how many ms the clock was set since the last call that reported a change, negative if it was set back; 0
   * for less than a minute.
   */
  look(): number {
    const difference = this.#measure();
    const set = Math.round(difference - this.#difference);
    if (Math.abs(set) < LEAST) return 0;
    this.#difference = difference;
    return set;
  }

  #measure(): number {
    return this.#clock.now() - this.#clock.elapsed();
  }
}
