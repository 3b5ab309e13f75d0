import { SMTP_PORT } from "../../../mail/mx-route.ts";
import { reply } from "../../../mail/reply.ts";
import type { Outcome } from "../../../mail/outcome.ts";
import type { DirectoryReader, DomainRecord, Primary } from "../../../ports/directory.ts";
import type { DsnRoute } from "../../../ports/dsn.ts";
import type { Destination } from "../../health/health.ts";
import { findRoute, mxDestinations, type Route, type RouteParts } from "../routing/routes.ts";

const DIRECT: Primary = { host: "", port: SMTP_PORT, tls: "opportunistic", preference: 0, mx: true };

type FoundRoute =
  /** `domain` is set if these are the primaries of a domain of ours. */
  | { readonly kind: "hosts"; readonly destinations: readonly Destination[]; readonly domain?: string }
  | { readonly kind: "nowhere"; readonly outcome: Outcome };

/** Finds the hosts for a DSN to this address. `direct`: the primaries of a domain of ours, the MX of any other. */
export async function findDsnRoute(
  address: string,
  route: DsnRoute,
  parts: RouteParts & { readonly directory: DirectoryReader },
): Promise<FoundRoute> {
  if (route.kind === "off") return nowhere({ kind: "released" });
  if (route.kind === "host") {
    const { kind: _, ...destination } = route;
    return { kind: "hosts", destinations: [destination] };
  }
  const { directory } = parts;
  const domain = address.slice(address.lastIndexOf("@") + 1);
  const ours = directory.domain(domain, directory.generation());
  const found = await (ours === undefined ? mxDestinations(domain, DIRECT, parts) : toPrimaries(ours, parts));
  if (found.kind === "known") {
    const destinations = found.tiers.flat().map(({ destination }) => destination);
    return { kind: "hosts", destinations, ...(ours !== undefined && { domain: ours.name }) };
  }
  const final = found.kind !== "failed";
  return nowhere(
    final
      ? { kind: "refused", reply: reply(556, "5.1.10", found.why) }
      : { kind: "deferred", reply: reply(451, "4.4.3", found.why) },
  );
}

async function toPrimaries(ours: DomainRecord, parts: RouteParts): Promise<Route> {
  if (ours.paused) return { kind: "failed", why: `${ours.name} is paused` };
  const route = await findRoute(ours, parts);
  // An operator will correct a route that leads nowhere; until then the DSN waits, as the domain's mail does.
  return route.kind === "known" ? route : { kind: "failed", why: route.why };
}

function nowhere(outcome: Outcome): FoundRoute {
  return { kind: "nowhere", outcome };
}
