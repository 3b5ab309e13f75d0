/** Delays until mail is due again. Pure functions, because time and randomness are passed in; all times in ms. */
import { jittered } from "../../runtime/jitter.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Number of lost replies after which mail is held for an operator instead of being sent again. */
export const MOST_UNCONFIRMED = 3;

/**
 * Delay after a 4xx for the recipient or the body, or after a lost reply to the final dot: 1 min, doubling up to 1 h.
 * `before` is the number of earlier attempts, or of earlier lost replies.
 */
export function retryDelay(before: number, random: () => number): number {
  return jittered(doubled(before), random);
}

/** Delay after the connection broke or 421 came during a mail: none the first time, then as for a 4xx. */
export function brokenDelay(attempts: number, random: () => number): number {
  return attempts === 0 ? 0 : retryDelay(attempts - 1, random);
}

/** Delay after any failed attempt to deliver a DSN: 5 min, doubling up to 4 h, because the server is not ours. */
export function dsnDelay(attempts: number, random: () => number): number {
  return jittered(doubled(attempts, 5 * MINUTE, 4 * HOUR), random);
}

function doubled(times: number, first = MINUTE, most = HOUR): number {
  return Math.min(most, first * 2 ** times);
}
