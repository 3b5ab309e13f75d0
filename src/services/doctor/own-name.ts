/** Checks whether our host name resolves to this server, and whether its addresses resolve back to the name. */
import { networkSet, normaliseIp, reverseName } from "../../mail/network.ts";
import type { RecordSource, Resolver } from "../../ports/resolver.ts";
import { finding, listed, type Finding } from "./finding.ts";
import type { Self } from "./self.ts";

/** Most addresses of our name that are checked. */
const MOST_ADDRESSES = 8;
/** Addresses that cannot be reached from the Internet: RFC 1918, RFC 6598, RFC 4193. */
const isPrivate = networkSet(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]);

export async function nameFindings(self: Self, dns: Resolver & RecordSource): Promise<readonly Finding[]> {
  const { hostname } = self;
  const found = await publishedAddresses(hostname, dns);
  if ("why" in found) return [finding("name", "warn", `${hostname} could not be looked up: ${found.why}`)];
  if (found.addresses.length === 0) return [unknownName(self)];
  const addresses = found.addresses.slice(0, MOST_ADDRESSES);
  return [
    nameFinding(self, addresses),
    ...(await Promise.all(addresses.map((ip) => reverse(ip, self, dns)))),
  ];
}

/** Looks up addresses in the DNS only, because senders do not have our hosts file; `why` if the DNS did not answer. */
export async function publishedAddresses(
  host: string,
  dns: RecordSource,
): Promise<{ readonly addresses: readonly string[] } | { readonly why: string }> {
  const lookups = await Promise.all([dns.records(host, "A"), dns.records(host, "AAAA")]);
  const addresses = lookups.flatMap((lookup) => (lookup.kind === "found" ? lookup.records : []));
  const failed = lookups.find((lookup) => lookup.kind === "failed");
  return addresses.length === 0 && failed !== undefined ? failed : { addresses: addresses.map(normaliseIp) };
}

function unknownName({ hostname, addresses }: Self): Finding {
  const ip = addresses.find((address) => !isPrivate(address)) ?? "ADDRESS";
  const record = `${hostname}. IN ${ip.includes(":") ? "AAAA" : "A"} ${ip}`;
  return finding("name", "fail", `the DNS has no address for ${hostname}: senders cannot connect`, record);
}

function nameFinding({ hostname, addresses: own }: Self, addresses: readonly string[]): Finding {
  const says = `${hostname} is ${listed(addresses)}`;
  if (addresses.some((ip) => own.includes(ip))) return finding("name", "ok", says);
  return finding(
    "name",
    "warn",
    `${says}; no interface of this machine has that address, which is right only behind a NAT`,
  );
}

/** Primaries and spam filters look up the name of the address that we connect from. */
async function reverse(ip: string, { hostname }: Self, dns: Resolver & RecordSource): Promise<Finding> {
  // `confirmedName` returns only one of several names. Our own needs no confirmation: `ip` is one of its addresses.
  const [lookup, pointers] = await Promise.all([dns.confirmedName(ip), dns.records(reverseName(ip), "PTR")]);
  const all = [lookup, pointers].flatMap((each) => (each.kind === "found" ? each.records : []));
  if (all.some((each) => each.toLowerCase() === hostname))
    return finding("reverse", "ok", `${ip} points back to ${hostname}`);
  if (lookup.kind === "failed")
    return finding("reverse", "warn", `the name of ${ip} could not be looked up: ${lookup.why}`);
  const [name] = lookup.kind === "found" ? lookup.records : [];
  const record = `${reverseName(ip)}. IN PTR ${hostname}.`;
  if (name === undefined)
    return finding(
      "reverse",
      "warn",
      `${ip} has no name that resolves back to it; primaries may refuse mail from it`,
      record,
    );
  return finding(
    "reverse",
    "warn",
    `the name of ${ip} is ${name}, but this server greets as ${hostname}`,
    record,
  );
}
