import type { Resolver as DnsResolver } from "node:dns/promises";
import type { Lookup, RecordType } from "../../ports/resolver.ts";
import type { Clock } from "../../runtime/clock.ts";
import { AnswerCache, type Answer, type Lifetimes } from "./answer-cache.ts";
import { ask, askAddresses } from "./question.ts";

/** Addresses live for their TTL; node:dns tells none for other records, which live for UNKNOWN_TTL; all in ms. */
const LIFETIMES: Lifetimes = { shortest: 0, longest: 300_000, negative: 30_000, failed: 5000 };
const UNKNOWN_TTL = 60_000;
/** Answers that are remembered. */
const CAPACITY = 10_000;
/** Answers with more characters are used once and not kept: strangers choose what we ask for. */
const LARGEST_KEPT = 4096;
/** A record counts as so many more: an answer may hold thousands of empty ones. */
const EACH = 32;
/**
 * Characters of one text. Policies and keys have less than 2000; one of 60 KB, in each of ten that name each other,
 * takes a third of a second to read.
 */
const LONGEST_TEXT = 4096;
/** Questions without an answer. */
const MAX_OPEN = 2000;
/** Characters of a name, RFC 1035 §2.3.4. c-ares asks for longer ones too, and servers answer that as they please. */
const LONGEST_NAME = 253;
const NO_NAME: Lookup<never> = { kind: "failed", why: "EBADNAME" };

/** Records of names that strangers choose: cached, and bounded in number, size and questions under way. */
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
