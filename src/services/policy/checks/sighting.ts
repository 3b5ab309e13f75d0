import type { Greylist, Sighting } from "../../../ports/greylist.ts";
import type { Clock } from "../../../runtime/clock.ts";

interface SightingParts {
  readonly memory: Greylist;
  readonly clock: Clock;
}

/** What is known under a key and still counts. A first sighting that lies ahead does not: the clock was set back. */
export function sightingOf(key: string, { memory, clock }: SightingParts): Sighting | undefined {
  const known = memory.find(key);
  const now = clock.now();
  if (known === undefined || now >= known.until) return undefined;
  return known.passed || known.firstAt <= now ? known : undefined;
}
