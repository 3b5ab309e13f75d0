import { Resolver as DnsResolver } from "node:dns/promises";
import type { Lookup } from "../../ports/resolver.ts";
import { within } from "../../runtime/within.ts";
import type { Answer } from "./answer-cache.ts";

/** Timeout of one query, in ms. */
const DEADLINE = 5_000;

/** Returns a resolver that queries `servers` (`address:port`), or those of the system if the list is empty. */
export function openResolver(servers: readonly string[]): DnsResolver {
  const resolver = new DnsResolver({ timeout: 2000, tries: 2, maxTimeout: 2500 });
  if (servers.length > 0) resolver.setServers([...servers]);
  return resolver;
}

/** Error codes of c-ares: the name has no such record, or the name does not exist. */
const NOTHING: ReadonlyMap<string, Lookup<never>> = new Map([
  ["ENODATA", { kind: "none" }],
  ["ENOTFOUND", { kind: "none", nameless: true }],
]);

/** Runs one query with a timeout of 5 s. Never rejects: errors are values. */
export async function ask<T>(question: () => Promise<readonly T[]>): Promise<Lookup<T>> {
  try {
    const records = await within(DEADLINE, question());
    if (records === "late") return { kind: "failed", why: `no answer within ${DEADLINE / 1000} s` };
    return records.length === 0 ? { kind: "none" } : { kind: "found", records };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return NOTHING.get(code ?? "") ?? { kind: "failed", why: code ?? message };
  }
}

/** Looks up the addresses of one family, with their TTL. */
export async function askAddresses(
  dns: DnsResolver,
  name: string,
  type: "A" | "AAAA",
): Promise<Answer<string>> {
  const lookup = await ask<{ readonly address: string; readonly ttl: number }>(() =>
    type === "A" ? dns.resolve4(name, { ttl: true }) : dns.resolve6(name, { ttl: true }),
  );
  if (lookup.kind !== "found") return { lookup };
  const ttl = 1000 * Math.min(...lookup.records.map((record) => record.ttl));
  return { lookup: { kind: "found", records: lookup.records.map(({ address }) => address) }, ttl };
}
