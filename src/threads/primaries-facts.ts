/** What the SMTP threads learn about primaries. */
import type { PrimaryOffers, PrimaryStatus } from "../ports/health.ts";
import { offersOf } from "../services/health/health.ts";

/** An outage of this length (ms) is long: greylisting then admits everybody. */
const LONG = 3_600_000;

export interface PrimariesFacts {
  /** What the primaries of each domain offer. */
  readonly offers: readonly (readonly [domain: string, offers: PrimaryOffers])[];
  /** Domains whose primaries have all been down for long. */
  readonly longAway: readonly string[];
  /** For each domain, the name of a primary that is up. */
  readonly up: readonly (readonly [domain: string, host: string])[];
}

export function primariesFacts(statuses: readonly PrimaryStatus[], now: number): PrimariesFacts {
  return { offers: offersOf(statuses, now), longAway: longAway(statuses, now), up: primariesUp(statuses) };
}

export function longAway(primaries: readonly PrimaryStatus[], now: number): readonly string[] {
  const away = new Map<string, boolean>();
  for (const { domains, awaySince = Infinity } of primaries) {
    const long = now - awaySince >= LONG;
    for (const domain of domains) away.set(domain, long && (away.get(domain) ?? true));
  }
  return [...away].filter(([, long]) => long).map(([domain]) => domain);
}

function primariesUp(
  primaries: readonly PrimaryStatus[],
): readonly (readonly [domain: string, host: string])[] {
  const up = new Map<string, string>();
  for (const { destination, domains, state } of primaries)
    for (const domain of state === "up" ? domains : [])
      if (!up.has(domain)) up.set(domain, hostOf(destination));
  return [...up];
}

function hostOf(destination: string): string {
  return destination.slice(0, destination.lastIndexOf(":"));
}
