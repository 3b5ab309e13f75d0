/** Measures the delay of one thread's event loop. */
import { monitorEventLoopDelay } from "node:perf_hooks";

export interface LoopDelay {
  /** 99 % of the samples were late by at most this, in ms. */
  readonly p99: number;
  /** The largest delay, in ms. */
  readonly max: number;
}

/** Milliseconds between two samples; the measured values include it. */
const RESOLUTION = 10;

export class LoopWatch {
  readonly #delays = monitorEventLoopDelay({ resolution: RESOLUTION });

  constructor() {
    this.#delays.enable();
  }

  /** Returns the values measured since the previous call. */
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
