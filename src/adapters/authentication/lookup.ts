import type { Lookup, RecordSource } from "../../ports/resolver.ts";

/** A DNS query with the signature of `dns.promises.resolve`, as mailauth calls it. */
export type LookUp = (name: string, type: string) => Promise<unknown[]>;

/** Adapts our resolver to mailauth: returns records in the shapes of node:dns, and throws errors with its codes. */
export function lookUpWith(resolver: RecordSource): LookUp {
  return async (name, type) => {
    switch (type) {
      case "MX":
        return records(await resolver.mx(name)).map(({ preference, host }) => ({
          priority: preference,
          exchange: host,
        }));
      case "TXT":
        return records(await resolver.records(name, "TXT")).map((text) => [text]);
      case "A":
      case "AAAA":
      case "CNAME":
      case "PTR":
        return records(await resolver.records(name, type));
      default:
        throw Object.assign(new Error(`${type} is not looked up`), { code: "ENOTIMP" });
    }
  };
}

/**
 * The same for the keys of signatures, but a string that cannot be a DNS name counts as a name without a record.
 * mailauth would take it for a DNS failure (`temperror`), and a forged mail with such a key name would not fail DMARC.
 */
export function keysBy(lookUp: LookUp): LookUp {
  return (name, type) =>
    lookUp(name, type).catch((error: NodeJS.ErrnoException) => {
      throw error.code === "EBADNAME" ? Object.assign(error, { code: "ENODATA" }) : error;
    });
}

function records<T>(lookup: Lookup<T>): T[] {
  if (lookup.kind === "found") return [...lookup.records];
  // DMARC needs the distinction: it has a policy for subdomains that do not exist (`np`).
  if (lookup.kind === "none")
    throw Object.assign(new Error("no such record"), { code: lookup.nameless ? "ENOTFOUND" : "ENODATA" });
  throw Object.assign(new Error(lookup.why), { code: lookup.why });
}
