import type { Clock, Timer } from "../../runtime/clock.ts";

/** Longest period of the timer, in ms. It checks the deadline and is set again, so most waits need no new timer. */
const LOOK_EVERY = 10_000;

/** Limits one wait after another; `late` is called with the limit of a wait that takes too long. */
export class Deadline {
  readonly #clock: Clock;
  readonly #late: (limit: number) => void;
  #limit = 0;
  /** In elapsed time, as `#timerAt` is. */
  #due = Infinity;
  #timer: Timer | undefined;
  #timerAt = Infinity;

  constructor(clock: Clock, late: (limit: number) => void) {
    this.#clock = clock;
    this.#late = late;
  }

  /** Begins a wait of at most `limit` ms. */
  begin(limit: number): void {
    const now = this.#clock.elapsed();
    this.#limit = limit;
    this.#due = now + limit;
    if (this.#timerAt > this.#due) this.#arm(now);
  }

  /** Ends the wait in time. */
  end(): void {
    this.#due = Infinity;
  }

  stop(): void {
    this.end();
    this.#timer?.cancel();
    this.#timerAt = -Infinity;
  }

  #arm(now: number): void {
    this.#timer?.cancel();
    this.#timerAt = Math.min(this.#due, now + LOOK_EVERY);
    this.#timer = this.#clock.after(this.#timerAt - now, () => this.#look());
  }

  #look(): void {
    this.#timerAt = Infinity;
    const now = this.#clock.elapsed();
    if (this.#due <= now) this.#late(this.#limit);
    else if (this.#due < Infinity) this.#arm(now);
  }
}
