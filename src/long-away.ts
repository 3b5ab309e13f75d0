/** Which domains have been without a primary for long, as the SMTP threads are told. */
import type { PrimaryStatus } from "./ports/health.ts";

/** From when on an outage is long: greylisting lets everybody in, in ms. */
const LONG = 3_600_000;

/** Domains all of whose primaries have been away for long. */
export function longAway(primaries: readonly PrimaryStatus[], now: number): readonly string[] {
  const away = new Map<string, boolean>();
  for (const { domains, state, since } of primaries) {
    const gone = state === "down" || state === "banned" || state === "loop";
    const long = gone && now - since >= LONG;
    for (const domain of domains) away.set(domain, long && (away.get(domain) ?? true));
  }
  return [...away].filter(([, long]) => long).map(([domain]) => domain);
}
