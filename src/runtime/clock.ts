/**
 * Time, handed to everything that needs it. Wall time in milliseconds since 1970, shared by all threads, so
 * that a test moves one number and the whole daemon lives three days later.
 */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
  /** Runs `task` once, `delay` milliseconds from now; the process may end before it. */
  after(delay: number, task: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Offset of the test clock in milliseconds, shared between threads; all zero in production. */
export type ClockOffset = BigInt64Array;

export function clockOffset(): ClockOffset {
  return new BigInt64Array(new SharedArrayBuffer(8));
}

export function moveClock(offset: ClockOffset, milliseconds: number): void {
  Atomics.add(offset, 0, BigInt(milliseconds));
}

const MAX_TIMEOUT = 2 ** 31 - 1;

/** The system's clock; with an offset, timers look at it at least once a second, so that a jump fires them. */
export function systemClock(offset?: ClockOffset): Clock {
  const now = offset === undefined ? Date.now : (): number => Date.now() + Number(Atomics.load(offset, 0));
  const longestSleep = offset === undefined ? MAX_TIMEOUT : 1000;
  return { now, after: (delay, task) => startTimer(now, { due: now() + delay, longestSleep }, task) };
}

function startTimer(now: () => number, plan: { due: number; longestSleep: number }, task: () => void): Timer {
  let handle: NodeJS.Timeout;
  const sleep = (): void => {
    const left = Math.max(0, plan.due - now());
    handle = setTimeout(wake, Math.min(left, plan.longestSleep));
    handle.unref();
  };
  const wake = (): void => (now() >= plan.due ? task() : sleep());
  sleep();
  return { cancel: () => clearTimeout(handle) };
}

/** A clock that stands still until a test moves it; due timers run in order while it moves. */
export class ManualClock implements Clock {
  #now: number;
  readonly #timers = new Set<{ due: number; task: () => void }>();

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  after(delay: number, task: () => void): Timer {
    const timer = { due: this.#now + Math.max(0, delay), task };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Moves time forward, running what falls due on the way. */
  advance(milliseconds: number): void {
    const target = this.#now + milliseconds;
    for (let next = this.#earliest(target); next !== undefined; next = this.#earliest(target)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.due);
      next.task();
    }
    this.#now = target;
  }

  #earliest(limit: number): { due: number; task: () => void } | undefined {
    let first: { due: number; task: () => void } | undefined;
    for (const timer of this.#timers) {
      if (timer.due <= limit && (first === undefined || timer.due < first.due)) first = timer;
    }
    return first;
  }
}
