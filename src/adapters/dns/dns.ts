/**
 * The resolver over node:dns. Addresses: literals as they are, then the system's host table, then DNS (AAAA and A
 * queried in parallel). Errors are values; each query ends within 5 s.
 *
 * Invariants: an answer is cached for its TTL, at most 60 s, so that a primary that moves is found; a failure, also of
 * one address family only, for 2 s; a name that does not exist for 5 s. The cache holds 10,000 answers of few records
 * each, and at most 4,000 queries of a kind are open: further ones fail at once. A PTR name counts only if it resolves
 * back to the address; if that cannot be determined, the result is `failed`, not `none`. DNS blocklists
 * (blocklists.ts) have a cache of their own.
 */
import type { Resolver as DnsResolver } from "node:dns/promises";
import { isIP, isIPv6 } from "node:net";
import { normaliseIp, reverseName } from "../../mail/network.ts";
import type { Lookup, MxRecord, RecordSource, RecordType, Resolver } from "../../ports/resolver.ts";
import type { Clock } from "../../runtime/clock.ts";
import { AnswerCache, OF_NAMES, type Answer } from "./answer-cache.ts";
import { HostsFile } from "./hosts-file.ts";
import { ask, askAddresses, openResolver } from "./question.ts";
import { RecordCache } from "./records.ts";

export { dnsBlocklists } from "./blocklists.ts";

/** Most answers of each kind that are cached. */
const CAPACITY = 10_000;
/** Most PTR names of one address that are tried, and most addresses of one name that are kept. */
const MAX_NAMES = 5;
const MAX_ADDRESSES = 16;
const TOO_MANY_NAMES: Lookup<never> = { kind: "failed", why: "the address has too many names" };
/**
 * Most MX records of one domain that are kept, the best first. Strangers choose some of the names that we look up, and
 * an answer can contain thousands of records. RFC 7208 §4.6.4 allows 10.
 */
const MAX_EXCHANGES = 20;

interface DnsSettings {
  /** `address:port`; empty: the system's servers. */
  readonly servers: readonly string[];
  readonly clock: Clock;
  /** The host table; default `/etc/hosts`. */
  readonly hosts?: string;
}

export function dnsResolver(settings: DnsSettings): Resolver & RecordSource {
  return new SystemResolver(settings);
}

class SystemResolver implements Resolver, RecordSource {
  readonly #dns: DnsResolver;
  readonly #hosts: HostsFile;
  readonly #addresses: AnswerCache<string>;
  readonly #mx: AnswerCache<MxRecord>;
  readonly #names: AnswerCache<string>;
  readonly #records: RecordCache;

  constructor({ servers, clock, hosts = "/etc/hosts" }: DnsSettings) {
    this.#dns = openResolver(servers);
    this.#hosts = new HostsFile(hosts, clock);
    this.#addresses = new AnswerCache(clock, CAPACITY);
    this.#mx = new AnswerCache(clock, CAPACITY);
    this.#names = new AnswerCache(clock, CAPACITY);
    this.#records = new RecordCache(this.#dns, clock);
  }

  async addresses(host: string): Promise<Lookup<string>> {
    const name = plainName(host);
    if (isIP(name) !== 0) return { kind: "found", records: [name] };
    const listed = await this.#hosts.addresses(name);
    if (listed !== undefined) return { kind: "found", records: listed };
    return this.#addresses.get(name, () => this.#askAddresses(name));
  }

  mx(domain: string): Promise<Lookup<MxRecord>> {
    const name = plainName(domain);
    return this.#mx.get(name, async () => {
      const lookup = await ask(() => this.#dns.resolveMx(name));
      if (lookup.kind !== "found") return { lookup };
      const records = lookup.records.map(({ priority, exchange }) => mxRecord(priority, exchange));
      return { lookup: { kind: "found", records: best(records) } };
    });
  }

  confirmedName(ip: string): Promise<Lookup<string>> {
    const address = normaliseIp(ip);
    if (isIP(address) === 0) return Promise.resolve({ kind: "none" });
    return this.#names.get(address, async () => ({ lookup: await this.#confirm(address) }));
  }

  records(name: string, type: RecordType): Promise<Lookup<string>> {
    return this.#records.records(name, type);
  }

  async #askAddresses(name: string): Promise<Answer<string>> {
    const [six, four] = await Promise.all([
      askAddresses(this.#dns, name, "AAAA"),
      askAddresses(this.#dns, name, "A"),
    ]);
    const found = [six, four].flatMap(({ lookup }) => (lookup.kind === "found" ? lookup.records : []));
    if (found.length === 0) return six.lookup.kind === "failed" ? six : four;
    const records = found.slice(0, MAX_ADDRESSES);
    // The address family whose lookup failed may be the only one that we have a route to.
    const halved = six.lookup.kind === "failed" || four.lookup.kind === "failed";
    const ttl = halved ? OF_NAMES.failed : Math.min(six.ttl ?? Infinity, four.ttl ?? Infinity);
    return { lookup: { kind: "found", records }, ttl };
  }

  async #confirm(address: string): Promise<Lookup<string>> {
    // Not `reverse`, which looks into the system's host table first.
    const pointers = await ask(() => this.#dns.resolvePtr(reverseName(address)));
    if (pointers.kind !== "found") return pointers;
    // A PTR record may contain an IP address as text. Without this filter it would confirm itself.
    const names = pointers.records.map(plainName).filter((name) => isIP(name) === 0);
    let unclear: Lookup<string> = names.length > MAX_NAMES ? TOO_MANY_NAMES : { kind: "none" };
    for (const name of names.slice(0, MAX_NAMES)) {
      const forward = await this.#forward(name, address);
      if (forward.kind === "failed") unclear = forward;
      if (forward.kind === "found" && forward.records.includes(address))
        return { kind: "found", records: [name] };
    }
    return unclear;
  }

  /** Looks up the name's addresses in the client's address family only: a failure of the other one does not matter. */
  async #forward(name: string, address: string): Promise<Lookup<string>> {
    const listed = (await this.#hosts.addresses(name))?.filter((ip) => isIP(ip) === isIP(address)) ?? [];
    if (listed.length > 0) return { kind: "found", records: listed };
    return this.#records.records(name, isIPv6(address) ? "AAAA" : "A");
  }
}

function plainName(host: string): string {
  return (host.endsWith(".") ? host.slice(0, -1) : host).toLowerCase();
}

/** An exchange of `.` (empty as `host`) is the null MX, RFC 7505. */
function mxRecord(preference: number, exchange: string): MxRecord {
  return { preference, host: plainName(exchange) };
}

function best(records: readonly MxRecord[]): readonly MxRecord[] {
  return records.toSorted((a, b) => a.preference - b.preference).slice(0, MAX_EXCHANGES);
}
