import type { Clock, Timer } from "./clock.ts";

/** Steps in each limit. */
const STEPS = 10;

/**
 * The value of another thread, or `late` after so many ms, counted in steps: where the whole process stood still, that
 * thread could do nothing either.
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
