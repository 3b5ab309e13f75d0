/** When mail is due again. Pure: time and chance are handed in; all times in ms. */
import { jittered } from "../../runtime/jitter.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Lost replies after which mail is held for an operator instead of being sent once more. */
export const MOST_UNCONFIRMED = 3;

/**
 * After a 4xx that belongs to the recipient or the body, or a lost reply to the final dot: 1 min doubling to 1 h.
 * `before` counts what went the same way before this one: the attempts, or the lost replies.
 */
export function retryDelay(before: number, random: () => number): number {
  return jittered(doubled(before), random);
}

/** After the connection broke or 421 came in the midst of a mail: at once, then as for a 4xx. */
export function brokenDelay(attempts: number, random: () => number): number {
  return attempts === 0 ? 0 : retryDelay(attempts - 1, random);
}

/** After any failed attempt to hand a DSN over, because its server is a stranger's: 5 min doubling to 4 h. */
export function dsnDelay(attempts: number, random: () => number): number {
  return jittered(doubled(attempts, 5 * MINUTE, 4 * HOUR), random);
}

function doubled(times: number, first = MINUTE, most = HOUR): number {
  return Math.min(most, first * 2 ** times);
}
