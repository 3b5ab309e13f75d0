/** Whether the names of a domain's primaries lead anywhere, and not back here. */
import { hostPort, isLoopback, isUnspecified, parseHostPort } from "../../mail/network.ts";
import { mxRoute, SMTP_PORT } from "../../mail/mx-route.ts";
import type { DomainRecord, Primary } from "../../ports/directory.ts";
import type { Resolver } from "../../ports/resolver.ts";
import { finding, listed, type Finding } from "./finding.ts";
import type { Self } from "./self.ts";

/** What is looked at from where. */
interface World {
  readonly self: Self;
  readonly dns: Resolver;
}

export async function primaryFindings(
  { name, settings }: DomainRecord,
  self: Self,
  dns: Resolver,
): Promise<readonly Finding[]> {
  return Promise.all(
    settings.primaries.map((primary) =>
      primary.mx === true ? byExchange(name, primary, { self, dns }) : byName(primary, { self, dns }),
    ),
  );
}

async function byName({ host, port }: Primary, { self, dns }: World): Promise<Finding> {
  const lookup = await dns.addresses(host);
  if (lookup.kind === "failed")
    return finding("primary", "warn", `${host} could not be looked up: ${lookup.why}`);
  if (lookup.kind === "none") return finding("primary", "fail", `${host} has no address: mail waits here`);
  const literal = lookup.records.includes(host);
  const says = literal ? hostPort(host, port) : `${host} is ${listed(lookup.records)}, port ${port}`;
  const back = lookup.records.some((ip) => leadsHere(ip, port, self));
  return back
    ? finding("primary", "fail", `${says}: that is this server itself`)
    : finding("primary", "ok", says);
}

function leadsHere(ip: string, port: number, { listening, addresses }: Self): boolean {
  return listening.some((text) => {
    const at = parseHostPort(text);
    if (at?.port !== port) return false;
    return at.host === ip || (isUnspecified(at.host) && (addresses.includes(ip) || isLoopback(ip)));
  });
}

/** As deliveries go: to the MX records before ours, to the domain's own addresses where there is none. */
async function byExchange(name: string, primary: Primary, { self, dns }: World): Promise<Finding> {
  const lookup = await dns.mx(name);
  if (lookup.kind === "failed")
    return finding("primary", "warn", `the MX records could not be looked up: ${lookup.why}`);
  if (lookup.kind === "none")
    return byName({ ...primary, host: name, port: primary.port || SMTP_PORT }, { self, dns });
  const route = mxRoute(lookup.records, self.hostname);
  if (route.kind === "null")
    return finding(
      "primary",
      "fail",
      "the domain declares that it accepts no mail (null MX): mail waits here",
    );
  if (route.kind === "ourselves")
    return finding("primary", "fail", "no MX record is preferred to ours: mail waits here");
  return finding("primary", "ok", `MX hosts preferred to ours: ${listed(route.tiers.flat())}`);
}
