/** How long one thread's event loop kept others waiting. */
import { monitorEventLoopDelay } from "node:perf_hooks";

export interface LoopDelay {
  /** ms that 99 of 100 looks at the loop were late at most, since the last asking. */
  readonly p99: number;
  /** The longest such delay, in ms. */
  readonly max: number;
}

/** Milliseconds between two looks; what is measured contains it. */
const RESOLUTION = 10;

export class LoopWatch {
  readonly #delays = monitorEventLoopDelay({ resolution: RESOLUTION });

  constructor() {
    this.#delays.enable();
  }

  /** What was measured since it was asked before. */
  take(): LoopDelay {
    const [p99, max] = [this.#delays.percentile(99), this.#delays.max].map((nanoseconds) =>
      Math.max(0, nanoseconds / 1e6 - RESOLUTION),
    ) as [number, number];
    const silent = this.#delays.count === 0;
    this.#delays.reset();
    return silent ? { p99: 0, max: 0 } : { p99, max };
  }

  stop(): void {
    this.#delays.disable();
  }
}
