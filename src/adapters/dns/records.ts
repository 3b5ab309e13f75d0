import type { Resolver as DnsResolver } from "node:dns/promises";
import type { Lookup, RecordType } from "../../ports/resolver.ts";
import type { Clock } from "../../runtime/clock.ts";
import { AnswerCache, type Answer, type Lifetimes } from "./answer-cache.ts";
import { ask, askAddresses } from "./question.ts";

/** Addresses are cached for their TTL, other records for UNKNOWN_TTL, because node:dns returns no TTL; all in ms. */
const LIFETIMES: Lifetimes = { shortest: 0, longest: 300_000, negative: 30_000, failed: 5000 };
const UNKNOWN_TTL = 60_000;
/** Most answers that are cached. */
const CAPACITY = 10_000;
/** An answer with more characters is not cached, because strangers choose the names that we look up. */
const LARGEST_KEPT = 4096;
/** Added for each record, because an answer may contain thousands of empty ones. */
const EACH = 32;
/**
 * Most characters of one TXT record; longer ones are ignored. SPF policies and DKIM keys have less than 2000. Ten SPF
 * policies of 60 KB that include each other take a third of a second to parse.
 */
const LONGEST_TEXT = 4096;
/** Most pending queries. */
const MAX_OPEN = 2000;
/** Most characters of a name, RFC 1035 §2.3.4. c-ares queries longer ones, with unpredictable answers. */
const LONGEST_NAME = 253;
const NO_NAME: Lookup<never> = { kind: "failed", why: "EBADNAME" };

/** Looks up records of names that strangers choose, with limits on cached answers, their size and pending queries. */
export class RecordCache {
  readonly #dns: DnsResolver;
  readonly #answers: AnswerCache<string>;

  constructor(dns: DnsResolver, clock: Clock) {
    this.#dns = dns;
    this.#answers = new AnswerCache(clock, CAPACITY, LIFETIMES, MAX_OPEN);
  }

  records(name: string, type: RecordType): Promise<Lookup<string>> {
    if (name.length - (name.endsWith(".") ? 1 : 0) > LONGEST_NAME) return Promise.resolve(NO_NAME);
    return this.#answers.get(`${type} ${name.toLowerCase()}`, () => this.#ask(name, type));
  }

  async #ask(name: string, type: RecordType): Promise<Answer<string>> {
    const answer = await this.#askFor(name, type);
    return weightOf(answer.lookup) > LARGEST_KEPT ? { ...answer, ttl: 0 } : answer;
  }

  async #askFor(name: string, type: RecordType): Promise<Answer<string>> {
    if (type === "A" || type === "AAAA") return askAddresses(this.#dns, name, type);
    if (type === "CNAME") return { lookup: await ask(() => this.#dns.resolveCname(name)), ttl: UNKNOWN_TTL };
    if (type === "PTR") return { lookup: await ask(() => this.#dns.resolvePtr(name)), ttl: UNKNOWN_TTL };
    const texts = async (): Promise<string[]> =>
      (await this.#dns.resolveTxt(name))
        .map((parts) => parts.join(""))
        .filter((text) => text.length <= LONGEST_TEXT);
    return { lookup: await ask(texts), ttl: UNKNOWN_TTL };
  }
}

function weightOf(lookup: Lookup<string>): number {
  return lookup.kind === "found" ? lookup.records.reduce((sum, record) => sum + EACH + record.length, 0) : 0;
}
