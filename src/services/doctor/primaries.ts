/** Whether the names of a domain's primaries lead anywhere, and not back here. */
import { hostPort, parseHostPort } from "../../mail/network.ts";
import type { DomainRecord, Primary } from "../../ports/directory.ts";
import type { Resolver } from "../../ports/resolver.ts";
import { finding, listed, type Finding } from "./finding.ts";
import type { Self } from "./self.ts";

export async function primaryFindings(
  { name, settings }: DomainRecord,
  self: Self,
  dns: Resolver,
): Promise<readonly Finding[]> {
  return Promise.all(
    settings.primaries.map((primary) =>
      primary.mx === true ? byExchange(name, self, dns) : byName(primary, self, dns),
    ),
  );
}

async function byName({ host, port }: Primary, self: Self, dns: Resolver): Promise<Finding> {
  const lookup = await dns.addresses(host);
  if (lookup.kind === "failed")
    return finding("primary", "warn", `the DNS could not be asked for ${host}: ${lookup.why}`);
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
    const any = at.host === "0.0.0.0" || at.host === "::";
    return at.host === ip || (any && (addresses.includes(ip) || ip.startsWith("127.") || ip === "::1"));
  });
}

/** Its MX records without ours are the primaries. */
async function byExchange(name: string, { hostname }: Self, dns: Resolver): Promise<Finding> {
  const lookup = await dns.mx(name);
  if (lookup.kind === "failed")
    return finding("primary", "warn", `the DNS could not be asked for the MX records: ${lookup.why}`);
  const all = lookup.kind === "found" ? lookup.records : [];
  const own = all.filter(({ host }) => host === hostname).map(({ preference }) => preference);
  const before = all.filter(({ preference }) => preference < Math.min(Infinity, ...own));
  if (before.length === 0)
    return finding("primary", "fail", "no MX record stands before ours: mail waits here");
  return finding("primary", "ok", `the MX records before ours: ${listed(before.map(({ host }) => host))}`);
}
