/** The largest deviation, as a share of the delay. */
const SPREAD = 0.1;

/** Spreads a delay (ms) by +-10 %, so that many timers do not fire at the same moment; `random` returns 0 to 1. */
export function jittered(delay: number, random: () => number): number {
  return Math.round(delay * (1 - SPREAD + 2 * SPREAD * random()));
}
