/** Share of the delay, either way. */
const SPREAD = 0.1;

/** A delay in ms spread by +-10 %, so that many do not fall on one moment; `random` gives 0 to 1. */
export function jittered(delay: number, random: () => number): number {
  return Math.round(delay * (1 - SPREAD + 2 * SPREAD * random()));
}
