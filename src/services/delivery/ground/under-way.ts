import type { Clock } from "../../../runtime/clock.ts";

/** Work whose end a stop waits for, though not for ever. */
export class UnderWay {
  readonly #clock: Clock;
  readonly #works = new Set<Promise<unknown>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts this work until it has ended, well or not; answers what it answers. */
  add<T>(work: Promise<T>): Promise<T> {
    const counted = work.finally(() => this.#works.delete(counted));
    this.#works.add(counted);
    return counted;
  }

  /** Resolves when all has ended, what began meanwhile as well, after `timeout` ms at the latest. */
  async ended(timeout: number): Promise<void> {
    const late = Promise.withResolvers<"late">();
    const timer = this.#clock.after(timeout, () => late.resolve("late"));
    while (this.#works.size > 0)
      if ((await Promise.race([Promise.allSettled(this.#works), late.promise])) === "late") break;
    timer.cancel();
  }
}
