import { Resolver as DnsResolver } from "node:dns/promises";
import type { Lookup } from "../../ports/resolver.ts";

/** Longest wait for one answer, in ms. */
const DEADLINE = 5_000;

/** A resolver that asks `servers` (`address:port`), or those of the system where there are none. */
export function openResolver(servers: readonly string[]): DnsResolver {
  const resolver = new DnsResolver({ timeout: 2000, tries: 2, maxTimeout: 2500 });
  if (servers.length > 0) resolver.setServers([...servers]);
  return resolver;
}

/** c-ares: no such name, no such record. */
const NOTHING = new Set(["ENOTFOUND", "ENODATA"]);

/** One question whose errors are values, answered within 5 s. */
export async function ask<T>(question: () => Promise<readonly T[]>): Promise<Lookup<T>> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer within 5 s")), DEADLINE);
  });
  try {
    const records = await Promise.race([question(), deadline]);
    return records.length === 0 ? { kind: "none" } : { kind: "found", records };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return NOTHING.has(code ?? "") ? { kind: "none" } : { kind: "failed", why: code ?? message };
  } finally {
    clearTimeout(timer);
  }
}
