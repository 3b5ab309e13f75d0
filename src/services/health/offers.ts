import type { PrimaryOffers, PrimaryStatus } from "../../ports/health.ts";

/** The capabilities of a primary are ignored after this time, in ms. */
const OLDEST = 31 * 86_400_000;

/** Octets that every server must accept, RFC 5321 §4.5.3.1.7. A smaller SIZE is a mistake, and is ignored. */
const LEAST_SIZE = 64 * 1024;

/**
 * Returns what the primaries of each domain can accept, by the latest EHLO of each. Omits domains without a limit, and
 * those of which a primary has not been greeted yet: mail must not be refused because of a guess.
 */
export function offersOf(
  statuses: readonly PrimaryStatus[],
  now: number,
): readonly (readonly [string, PrimaryOffers])[] {
  const byDomain = new Map<string, PrimaryStatus[]>();
  for (const status of statuses)
    for (const domain of status.domains) byDomain.set(domain, [...(byDomain.get(domain) ?? []), status]);
  return [...byDomain].flatMap(([domain, primaries]) => {
    const offers = together(primaries, now);
    return offers === undefined || (offers.smtpUtf8 && offers.size === undefined)
      ? []
      : [[domain, offers] as const];
  });
}

/** The most that any of them accepts, because any of them may get the mail in the end. */
function together(primaries: readonly PrimaryStatus[], now: number): PrimaryOffers | undefined {
  const spoken = primaries.flatMap(({ state, capabilities, learnedAt = 0 }) =>
    capabilities === undefined || state === "loop" || now - learnedAt > OLDEST ? [] : [capabilities],
  );
  if (spoken.length < primaries.length) return undefined;
  const size = Math.max(...spoken.map(({ size: limit = 0 }) => (limit < LEAST_SIZE ? Infinity : limit)));
  const smtpUtf8 = spoken.some(({ extensions }) => extensions.includes("SMTPUTF8"));
  return { smtpUtf8, ...(Number.isFinite(size) && { size }) };
}
