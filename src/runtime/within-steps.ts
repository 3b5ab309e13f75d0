import type { Clock, Timer } from "./clock.ts";

/** Number of steps in each limit. */
const STEPS = 10;

/**
 * Resolves with the value that another thread provides, or with `late` after this many ms. The time is counted in
 * steps, so that time in which the whole process stood still, the other thread included, does not count.
 */
export async function withinSteps<T>(
  milliseconds: number,
  value: Promise<T>,
  clock: Clock,
): Promise<T | "late"> {
  const late = Promise.withResolvers<"late">();
  let timer: Timer | undefined;
  const wait = (left: number): void => {
    if (left === 0) return late.resolve("late");
    timer = clock.after(milliseconds / STEPS, () => wait(left - 1));
  };
  wait(STEPS);
  return Promise.race([value, late.promise]).finally(() => timer?.cancel());
}
