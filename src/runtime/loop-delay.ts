/** How long one thread's event loop kept others waiting. */
import { monitorEventLoopDelay } from "node:perf_hooks";

export interface LoopDelay {
  /** Of 100 looks at the loop 99 were late by no more than this, in ms. */
  readonly p99: number;
  /** None was later than this, in ms. */
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
    const { count, max } = this.#delays;
    const delay = { p99: lateness(this.#delays.percentile(99)), max: lateness(max) };
    this.#delays.reset();
    return count === 0 ? { p99: 0, max: 0 } : delay;
  }

  stop(): void {
    this.#delays.disable();
  }
}

function lateness(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - RESOLUTION);
}
