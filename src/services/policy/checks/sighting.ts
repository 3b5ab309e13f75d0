import type { Greylist, Sighting } from "../../../ports/greylist.ts";
import type { Clock } from "../../../runtime/clock.ts";

interface SightingParts {
  readonly memory: Greylist;
  readonly clock: Clock;
}

/** The sighting under a key, if it is still valid. A first sighting in the future is not: the clock was set back. */
export function sightingOf(key: string, { memory, clock }: SightingParts): Sighting | undefined {
  const known = memory.find(key);
  const now = clock.now();
  if (known === undefined || now >= known.until) return undefined;
  return known.passed || known.firstAt <= now ? known : undefined;
}
