import type { Clock, Timer } from "./clock.ts";

/** Steps in each limit. */
const STEPS = 10;

/** A limit for another thread, in steps: where the whole process stood still, that thread could do nothing either. */
export class SteppedLimit {
  readonly over: Promise<"late">;
  readonly #clock: Clock;
  readonly #step: number;
  readonly #late: (late: "late") => void;
  #left = STEPS;
  #timer: Timer | undefined;

  constructor(milliseconds: number, clock: Clock) {
    this.#clock = clock;
    this.#step = milliseconds / STEPS;
    const { promise, resolve } = Promise.withResolvers<"late">();
    this.over = promise;
    this.#late = resolve;
    this.#wait();
  }

  /** The value, or `late` when the limit is over before. */
  async or<T>(value: Promise<T>): Promise<T | "late"> {
    return Promise.race([value, this.over]).finally(() => this.#timer?.cancel());
  }

  #wait(): void {
    if (this.#left === 0) return this.#late("late");
    this.#left -= 1;
    this.#timer = this.#clock.after(this.#step, () => this.#wait());
  }
}
