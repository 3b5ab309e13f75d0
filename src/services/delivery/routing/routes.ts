import { mxRoute, SMTP_PORT } from "../../../mail/mx-route.ts";
import type { DomainRecord, Primary } from "../../../ports/directory.ts";
import type { Resolver } from "../../../ports/resolver.ts";
import type { Destination } from "../../health/health.ts";

/** One destination that mail may go to. */
export interface NextHop {
  readonly destination: Destination;
  /** Its share among those of equal preference. */
  readonly weight: number;
}

/** The route of a domain: next hops by preference, those of equal preference in one tier. */
export type Route =
  | { readonly kind: "known"; readonly tiers: readonly (readonly NextHop[])[] }
  /** There is no destination; the mail waits. */
  | { readonly kind: "none" | "loop"; readonly why: string }
  /** The MX records could not be looked up; the mail waits. */
  | { readonly kind: "failed"; readonly why: string };

export interface RouteParts {
  readonly resolver: Pick<Resolver, "mx">;
  /** Our own name: its MX record, and those of equal or lesser preference, are ignored. */
  readonly hostname: string;
}

/** Whether the route depends on MX records, which must be looked up periodically. */
export function followsMx(record: DomainRecord): boolean {
  return record.settings.primaries.some(({ mx }) => mx === true);
}

/** Finds the route of a domain. Looks up its MX records if the configuration says `mx`. */
export async function findRoute(record: DomainRecord, parts: RouteParts): Promise<Route> {
  const tiers: (readonly NextHop[])[] = [];
  let trouble: Exclude<Route, { kind: "known" }> | undefined;
  for (const group of byPreference(record.settings.primaries)) {
    const hosts = group.filter(({ mx }) => mx !== true).map(nextHopOf);
    if (hosts.length > 0) tiers.push(hosts);
    for (const primary of group.filter(({ mx }) => mx === true)) {
      const found = await mxDestinations(record.name, primary, parts);
      if (found.kind === "known") tiers.push(...found.tiers);
      else trouble = found;
    }
  }
  if (tiers.length > 0) return { kind: "known", tiers };
  return trouble ?? { kind: "none", why: `${record.name} has no primary` };
}

function nextHopOf(primary: Primary): NextHop {
  const { preference: _, mx: __, weight = 1, ...destination } = primary;
  return { destination, weight };
}

function byPreference(primaries: readonly Primary[]): readonly (readonly Primary[])[] {
  const groups = Map.groupBy(primaries, ({ preference }) => preference);
  return [...groups.keys()].sort((a, b) => a - b).map((preference) => groups.get(preference) ?? []);
}

/** The hosts that the MX records of a domain name, with the connection settings of `primary`. */
export async function mxDestinations(domain: string, primary: Primary, parts: RouteParts): Promise<Route> {
  const lookup = await parts.resolver.mx(domain);
  if (lookup.kind === "failed")
    return { kind: "failed", why: `the MX records of ${domain} could not be looked up: ${lookup.why}` };
  const hop = (host: string): NextHop => {
    const { destination, weight } = nextHopOf(primary);
    return { weight, destination: { ...destination, host, port: destination.port || SMTP_PORT } };
  };
  // RFC 5321 §5.1: without MX records the domain's own address records are used.
  if (lookup.kind === "none") return { kind: "known", tiers: [[hop(domain)]] };
  const route = mxRoute(lookup.records, parts.hostname.toLowerCase());
  if (route.kind === "null") return { kind: "none", why: `${domain} has a null MX: it accepts no mail` };
  if (route.kind === "ourselves")
    return { kind: "loop", why: `no MX record of ${domain} is preferred to ours` };
  return { kind: "known", tiers: route.tiers.map((hosts) => hosts.map(hop)) };
}
