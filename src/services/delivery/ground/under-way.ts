import type { Clock } from "../../../runtime/clock.ts";

/** Counts running work, so that a stop can wait for its end, up to a timeout. */
export class UnderWay {
  readonly #clock: Clock;
  readonly #works = new Set<Promise<unknown>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts this work until it is resolved or rejected. Returns a promise with the same result. */
  add<T>(work: Promise<T>): Promise<T> {
    const counted = work.finally(() => this.#works.delete(counted));
    this.#works.add(counted);
    return counted;
  }

  /** Resolves when all work has ended, including work that began meanwhile, or after `timeout` ms. */
  async ended(timeout: number): Promise<void> {
    const late = Promise.withResolvers<"late">();
    const timer = this.#clock.after(timeout, () => late.resolve("late"));
    while (this.#works.size > 0)
      if ((await Promise.race([Promise.allSettled(this.#works), late.promise])) === "late") break;
    timer.cancel();
  }
}
