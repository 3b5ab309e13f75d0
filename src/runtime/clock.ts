/**
 * Time, handed to everything that needs it. There are two kinds. Wall time, in milliseconds since 1970, is what is
 * stored and shown, and somebody may set it: NTP, an operator, a machine that wakes up. Elapsed time only goes on;
 * timers run by it, and so must whatever would stand still, or run wild, if the wall clock were set.
 *
 * Both are shared by all threads, so that a test moves one number and the whole daemon lives three days later.
 */
export interface Clock {
  /** Wall time: milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
  /** Milliseconds since some moment, which is another one in each thread. Never goes back. */
  elapsed(): number;
  /** Runs `task` once, when `delay` milliseconds have elapsed; the process may end before it. */
  after(delay: number, task: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Of a test: how far time was moved, and how far the wall clock was set; ms, shared between threads. */
export type ClockOffset = BigInt64Array;

const MOVED = 0;
const SET = 1;

export function clockOffset(): ClockOffset {
  return new BigInt64Array(new SharedArrayBuffer(16));
}

/** Lets time pass. */
export function moveClock(offset: ClockOffset, milliseconds: number): void {
  Atomics.add(offset, MOVED, BigInt(milliseconds));
}

/** Sets the wall clock forward, or back; no time passes. */
export function setClock(offset: ClockOffset, milliseconds: number): void {
  Atomics.add(offset, SET, BigInt(milliseconds));
}

/** The longest that a timer of Node.js runs, in ms. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/** A timer that is so many ms late tells that the process stood still: stopped, frozen with its machine, or busy. */
const STOOD_STILL = 100;

/** The system's clock; with an offset, timers look at it at least once a second, so that a move fires them. */
export function systemClock(offset?: ClockOffset): Clock {
  const read = (cell: number): number => (offset === undefined ? 0 : Number(Atomics.load(offset, cell)));
  const now = offset === undefined ? Date.now : (): number => Date.now() + read(MOVED) + read(SET);
  const elapsed = (): number => Math.floor(performance.now()) + read(MOVED);
  const longestSleep = offset === undefined ? MAX_TIMEOUT : 1000;
  return {
    now,
    elapsed,
    after: (delay, task) => startTimer(elapsed, { due: elapsed() + delay, longestSleep }, task),
  };
}

function startTimer(
  elapsed: () => number,
  plan: { due: number; longestSleep: number },
  task: () => void,
): Timer {
  let handle: NodeJS.Timeout;
  let afterReading: NodeJS.Immediate | undefined;
  const sleep = (): void => {
    const left = Math.max(0, plan.due - elapsed());
    handle = setTimeout(wake, Math.min(left, plan.longestSleep));
    handle.unref();
  };
  const wake = (): void => {
    const late = elapsed() - plan.due;
    // The system counts whole milliseconds, and may come up to one early.
    if (late < -1) sleep();
    else if (late < STOOD_STILL) task();
    // What peers said meanwhile lies unread: it is read first, so that nobody is blamed for a silence that was ours.
    else afterReading = setImmediate(task);
  };
  sleep();
  return {
    cancel: () => {
      clearTimeout(handle);
      clearImmediate(afterReading);
    },
  };
}

/** For those who only compare times with each other: it agrees with the clock as it is now, and is never set. */
export interface SteadyClock extends Clock {
  /** What the wall clock says of a moment of this one. */
  wall(at: number): number;
}

export function steadyClock(clock: Clock): SteadyClock {
  const began = clock.now() - clock.elapsed();
  const now = (): number => began + clock.elapsed();
  return {
    now,
    wall: (at) => at + clock.now() - now(),
    elapsed: () => clock.elapsed(),
    after: (delay, task) => clock.after(delay, task),
  };
}
