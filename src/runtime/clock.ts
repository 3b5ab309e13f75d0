/**
 * Time, passed to everything that needs it. There are two kinds. Wall time, in milliseconds since 1970, is stored and
 * shown; it may be set by NTP, an operator, or a machine that wakes up. Elapsed time only advances; timers use it, and
 * so must all code that would stop or misbehave if the wall clock were set.
 *
 * Both are shared by all threads, so that a test can move time for the whole daemon by changing one number.
 */
export interface Clock {
  /** Wall time: milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
  /** Milliseconds since a moment that differs between threads. Never goes back. */
  elapsed(): number;
  /** Runs `task` once, when `delay` milliseconds have elapsed. A pending timer does not keep the process alive. */
  after(delay: number, task: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Used by tests: how far time was moved, and how far the wall clock was set; ms, shared between threads. */
export type ClockOffset = BigInt64Array;

const MOVED = 0;
const SET = 1;

export function clockOffset(): ClockOffset {
  return new BigInt64Array(new SharedArrayBuffer(16));
}

/** Moves time forward: wall time and elapsed time. */
export function moveClock(offset: ClockOffset, milliseconds: number): void {
  Atomics.add(offset, MOVED, BigInt(milliseconds));
}

/** Sets the wall clock forward or back; elapsed time does not change. */
export function setClock(offset: ClockOffset, milliseconds: number): void {
  Atomics.add(offset, SET, BigInt(milliseconds));
}

/** The longest delay of a Node.js timer, in ms. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/**
 * Ms; a timer that fires this late shows that the process stood still: it was stopped, frozen with its machine, or
 * busy.
 */
const STOOD_STILL = 100;

/**
 * Makes the system's clock. With an offset, timers check the time at least once a second, so that moving it fires them.
 */
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
    // The system counts whole milliseconds, and may fire up to one millisecond early.
    if (late < -1) sleep();
    else if (late < STOOD_STILL) task();
    // Data that peers sent in the meantime is still unread. It is read first, so that a peer is not blamed for a
    // silence that was ours.
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

/**
 * A clock for code that only compares times with each other: it starts with the present wall time, and setting the wall
 * clock does not change it.
 */
export interface SteadyClock extends Clock {
  /** Converts a time of this clock to wall time. */
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
