import type { Clock } from "./clock.ts";

/** Ordinary corrections are smaller than this, in ms. */
const LEAST = 60_000;

/** From so many ms on, all mail may be old because the clock is wrong: ages are not believed for a while. */
export const LEAP = 86_400_000;

/** Sees when somebody has set the wall clock: it and elapsed time do not agree any more. */
export class ClockWatch {
  readonly #clock: Clock;
  #difference: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#difference = this.#measure();
  }

  /** By how many ms it was set since that was last seen, below zero for back; 0 where it was less than a minute. */
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
