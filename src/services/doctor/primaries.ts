/** Checks whether the host names of a domain's primaries resolve, and not to this server itself. */
import { hostPort, isLoopback, isUnspecified, parseHostPort } from "../../mail/network.ts";
import { mxRoute, SMTP_PORT } from "../../mail/mx-route.ts";
import type { DomainRecord, Primary } from "../../ports/directory.ts";
import type { Resolver } from "../../ports/resolver.ts";
import { finding, listed, type Finding, type Verdict } from "./finding.ts";
import type { Self } from "./self.ts";

/** Most MX hosts that are looked up. */
const MOST_HOSTS = 10;

interface World {
  readonly self: Self;
  readonly dns: Resolver;
}

/** The result for one host. */
interface Look {
  readonly verdict: Verdict;
  readonly text: string;
}

export async function primaryFindings(
  { name, settings, paused }: DomainRecord,
  self: Self,
  dns: Resolver,
): Promise<readonly Finding[]> {
  const pause = `an operator paused deliveries: mail waits here until \`holdfast domain resume ${name}\``;
  const found = settings.primaries.map((primary) =>
    primary.mx === true ? byExchange(name, primary, { self, dns }) : byName(primary, { self, dns }),
  );
  return [...(paused ? [finding("primary", "warn", pause)] : []), ...(await Promise.all(found))];
}

async function byName({ host, port }: Primary, world: World): Promise<Finding> {
  const { verdict, text } = await lookAt(host, port, world);
  return finding("primary", verdict, verdict === "fail" ? `${text}; mail waits here` : text);
}

async function lookAt(host: string, port: number, { self, dns }: World): Promise<Look> {
  const lookup = await dns.addresses(host);
  if (lookup.kind === "failed")
    return { verdict: "warn", text: `${host} could not be looked up: ${lookup.why}` };
  if (lookup.kind === "none") return { verdict: "fail", text: `${host} has no address` };
  const literal = lookup.records.includes(host);
  const says = literal ? hostPort(host, port) : `${host} is ${listed(lookup.records)}, port ${port}`;
  const own = lookup.records.filter((ip) => leadsHere(ip, port, self));
  if (own.length === 0) return { verdict: "ok", text: says };
  // Deliveries skip our own addresses.
  if (own.length < lookup.records.length)
    return { verdict: "warn", text: `${says}; ${listed(own)} is this server itself` };
  return { verdict: "fail", text: `${says}: that is this server itself` };
}

function leadsHere(ip: string, port: number, { listening, addresses }: Self): boolean {
  return listening.some((text) => {
    const at = parseHostPort(text);
    if (at?.port !== port) return false;
    return at.host === ip || (isUnspecified(at.host) && (addresses.includes(ip) || isLoopback(ip)));
  });
}

/** Follows the route of deliveries: MX hosts preferred to ours, or the domain's own addresses without MX records. */
async function byExchange(name: string, primary: Primary, world: World): Promise<Finding> {
  const lookup = await world.dns.mx(name);
  if (lookup.kind === "failed")
    return finding("primary", "warn", `the MX records could not be looked up: ${lookup.why}`);
  if (lookup.kind === "none")
    return byName({ ...primary, host: name, port: primary.port || SMTP_PORT }, world);
  const route = mxRoute(lookup.records, world.self.hostname);
  if (route.kind === "null")
    return finding(
      "primary",
      "fail",
      "the domain declares that it accepts no mail (null MX): mail waits here",
    );
  if (route.kind === "ourselves")
    return finding("primary", "fail", "no MX record is preferred to ours: mail waits here");
  return exchangeFinding(route.tiers.flat(), primary.port || SMTP_PORT, world);
}

/** Only a warning while one of the hosts is good, because deliveries use that one. */
async function exchangeFinding(hosts: readonly string[], port: number, world: World): Promise<Finding> {
  const says = `MX hosts preferred to ours: ${listed(hosts)}`;
  const looks = await Promise.all(hosts.slice(0, MOST_HOSTS).map((host) => lookAt(host, port, world)));
  const bad = looks.filter(({ verdict }) => verdict !== "ok");
  if (bad.length === 0) return finding("primary", "ok", says);
  const text = [says, ...bad.map((look) => look.text)].join("; ");
  const none = looks.every(({ verdict }) => verdict === "fail") && looks.length === hosts.length;
  return none ? finding("primary", "fail", `${text}; mail waits here`) : finding("primary", "warn", text);
}
