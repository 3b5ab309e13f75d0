/**
 * DNS blocklists over node:dns. Concurrent lookups of the same address share one query. A listing is cached for its
 * TTL, at most 1 h, `not listed` for 60 s, a failure for 5 s. A list that failed five times in a row is not queried for
 * 30 s, so that clients do not wait for a dead list.
 */
import type { Resolver as DnsResolver } from "node:dns/promises";
import { isIP, isIPv6 } from "node:net";
import { nibbles, normaliseIp } from "../../mail/network.ts";
import { inAscii, printable } from "../../mail/reply.ts";
import type { Blocklists, ListTest } from "../../ports/blocklist.ts";
import type { Lookup } from "../../ports/resolver.ts";
import type { Clock } from "../../runtime/clock.ts";
import { AnswerCache, type Answer } from "./answer-cache.ts";
import { ask, askAddresses, openResolver } from "./question.ts";
import { seemsListed } from "./dnsbl-package.ts";

interface BlocklistSettings {
  /** `address:port`; empty: the system's servers. */
  readonly servers: readonly string[];
  readonly clock: Clock;
}

/** How long answers are cached, in ms. */
const LIFETIMES = { shortest: 1000, longest: 3_600_000, negative: 60_000, failed: 5000 };
/** Most answers, and most texts of listings, that are cached. */
const CAPACITY = 20_000;
const REASONS = 1000;
/** Most pending queries. */
const MAX_OPEN = 10_000;
/** After MAX_FAILURES in a row a list is not queried for REST ms. */
const MAX_FAILURES = 5;
const REST = 30_000;
/** Most characters of a reason. */
const LONGEST_REASON = 200;

export function dnsBlocklists(settings: BlocklistSettings): Blocklists {
  return new DnsBlocklists(settings);
}

interface Trouble {
  failures: number;
  /** In elapsed time. */
  restsUntil: number;
}

class DnsBlocklists implements Blocklists {
  readonly #dns: DnsResolver;
  readonly #servers: readonly string[];
  readonly #clock: Clock;
  readonly #codes: AnswerCache<string>;
  readonly #reasons: AnswerCache<string>;
  readonly #troubles = new Map<string, Trouble>();

  constructor({ servers, clock }: BlocklistSettings) {
    this.#dns = openResolver(servers);
    this.#servers = servers;
    this.#clock = clock;
    this.#codes = new AnswerCache(clock, CAPACITY, LIFETIMES, MAX_OPEN);
    this.#reasons = new AnswerCache(clock, REASONS, LIFETIMES);
  }

  codes(zone: string, ip: string): Promise<Lookup<string>> {
    const name = queryName(zone, ip);
    if (name === undefined) return Promise.resolve({ kind: "failed", why: "this is no address" });
    return this.#codes.get(name, () => this.#askOnce(zone, name));
  }

  async reason(zone: string, ip: string): Promise<string | undefined> {
    const name = queryName(zone, ip);
    if (name === undefined) return undefined;
    const lookup = await this.#reasons.get(name, async () => {
      const texts = await ask(() => this.#dns.resolveTxt(name));
      if (texts.kind !== "found") return { lookup: texts };
      return { lookup: { kind: "found", records: texts.records.map((parts) => parts.join("")) } };
    });
    const text = lookup.kind === "found" ? lookup.records[0] : undefined;
    return text && inAscii(printable(text.slice(0, LONGEST_REASON)));
  }

  async test(zone: string): Promise<ListTest> {
    const [wrong, right] = await Promise.all([
      this.#ask(`1.0.0.127.${zone}`),
      this.#ask(`2.0.0.127.${zone}`),
    ]);
    if (right.lookup.kind === "failed") return sick(`127.0.0.2: ${right.lookup.why}`);
    if (wrong.lookup.kind === "failed") return sick(`127.0.0.1: ${wrong.lookup.why}`);
    if (wrong.lookup.kind === "found") return sick("it lists 127.0.0.1, so perhaps everybody");
    const listed = right.lookup.kind === "found" || (await this.#listsIpv6(zone));
    return listed ? { kind: "sound" } : sick("it does not list 127.0.0.2, so perhaps nobody");
  }

  async listsHost(zone: string, ip: string): Promise<boolean> {
    const name = queryName(zone, ip);
    if (name === undefined || !(await seemsListed(normaliseIp(ip), zone, this.#servers))) return false;
    const { lookup } = await this.#ask(name);
    return lookup.kind === "found";
  }

  /** A list of IPv6 addresses only contains the test entry as ::ffff:127.0.0.2. */
  async #listsIpv6(zone: string): Promise<boolean> {
    const { lookup } = await this.#ask(`${nibbles("::ffff:7f00:2")}.${zone}`);
    return lookup.kind === "found";
  }

  async #askOnce(zone: string, name: string): Promise<Answer<string>> {
    const trouble = this.#troubles.get(zone);
    if (trouble !== undefined && trouble.restsUntil > this.#clock.elapsed())
      return failed("the list did not answer; it is queried again later");
    const answer = await this.#ask(name);
    this.#note(zone, answer.lookup);
    return answer;
  }

  async #ask(name: string): Promise<Answer<string>> {
    const answer = await askAddresses(this.#dns, name, "A");
    const codes = answer.lookup.kind === "found" ? answer.lookup.records : [];
    const foreign = codes.find((code) => !isCode(code));
    return foreign === undefined ? answer : failed(`answers ${foreign}, which is not a listing`);
  }

  #note(zone: string, lookup: Lookup<string>): void {
    if (lookup.kind !== "failed") return void this.#troubles.delete(zone);
    const trouble = this.#troubles.get(zone) ?? { failures: 0, restsUntil: 0 };
    trouble.failures += 1;
    if (trouble.failures >= MAX_FAILURES) trouble.restsUntil = this.#clock.elapsed() + REST;
    this.#troubles.set(zone, trouble);
  }
}

function sick(why: string): ListTest {
  return { kind: "sick", why };
}

function failed(why: string): Answer<string> {
  return { lookup: { kind: "failed", why } };
}

/** Whether an address is in 127.0.0.0/8, except 127.255.255.0/24, by which large lists reject queries. */
function isCode(address: string): boolean {
  return address.startsWith("127.") && !address.startsWith("127.255.255.");
}

/** Returns the reversed octets or nibbles of the address, then the zone; RFC 5782 §2.1 and §2.4. */
function queryName(zone: string, ip: string): string | undefined {
  const plain = normaliseIp(ip);
  if (isIP(plain) === 0) return undefined;
  const reversed = isIPv6(plain) ? nibbles(plain) : plain.split(".").reverse().join(".");
  return `${reversed}.${zone}`;
}
