import type { Clock, Timer } from "../../src/runtime/clock.ts";

/** A clock that stands still until a test moves it; due timers run in order while it moves. */
export class ManualClock implements Clock {
  #elapsed: number;
  #set = 0;
  readonly #timers = new Set<{ due: number; task: () => void }>();

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#elapsed = start;
  }

  now(): number {
    return this.#elapsed + this.#set;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  after(delay: number, task: () => void): Timer {
    const timer = { due: this.#elapsed + Math.max(0, delay), task };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Moves time forward, running what falls due on the way. */
  advance(milliseconds: number): void {
    const target = this.#elapsed + milliseconds;
    for (let next = this.#earliest(target); next !== undefined; next = this.#earliest(target)) {
      this.#timers.delete(next);
      this.#elapsed = Math.max(this.#elapsed, next.due);
      next.task();
    }
    this.#elapsed = target;
  }

  /** Sets the wall clock forward, or back; no time passes. */
  set(milliseconds: number): void {
    this.#set += milliseconds;
  }

  #earliest(limit: number): { due: number; task: () => void } | undefined {
    let first: { due: number; task: () => void } | undefined;
    for (const timer of this.#timers) {
      if (timer.due <= limit && (first === undefined || timer.due < first.due)) first = timer;
    }
    return first;
  }
}
