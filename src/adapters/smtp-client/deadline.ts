import type { Clock, Timer } from "../../runtime/clock.ts";

/** A timer that runs longer than this, in ms, is looked at in between, so that most waits need none of their own. */
const LOOK_EVERY = 10_000;

/** One wait after another, each with a limit; `late` runs with the limit when one lasts too long. */
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

  /** A wait begins that may last so many ms. */
  begin(limit: number): void {
    const now = this.#clock.elapsed();
    this.#limit = limit;
    this.#due = now + limit;
    if (this.#timerAt > this.#due) this.#arm(now);
  }

  /** It ended in time. */
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
