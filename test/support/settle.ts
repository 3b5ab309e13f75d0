import type { ManualClock } from "./manual-clock.ts";
import { setImmediate as turn } from "node:timers/promises";

/** Lets all promises that can go on do so. */
export async function idle(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn();
}

/** Moves a manual clock in small steps and lets promises go on after each. */
export async function pass(clock: ManualClock, milliseconds: number, step = 100): Promise<void> {
  await idle();
  for (let left = milliseconds; left > 0; left -= step) {
    clock.advance(Math.min(step, left));
    await idle();
  }
}
