import type { Lookup, RecordSource } from "../../ports/resolver.ts";

/** A question in the form of `dns.promises.resolve`, which mailauth asks for. */
export type LookUp = (name: string, type: string) => Promise<unknown[]>;

/** Our resolver as mailauth wants it: records in the shapes of node:dns, errors with its codes. */
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
 * The same for keys of signatures: what cannot be a name has none. To mailauth it is trouble of the DNS, and would
 * excuse a forged mail whose signature names such a key.
 */
export function keysBy(lookUp: LookUp): LookUp {
  return (name, type) =>
    lookUp(name, type).catch((error: NodeJS.ErrnoException) => {
      throw error.code === "EBADNAME" ? Object.assign(error, { code: "ENODATA" }) : error;
    });
}

function records<T>(lookup: Lookup<T>): T[] {
  if (lookup.kind === "found") return [...lookup.records];
  // DMARC has a policy for subdomains that do not exist (`np`).
  if (lookup.kind === "none")
    throw Object.assign(new Error("no such record"), { code: lookup.nameless ? "ENOTFOUND" : "ENODATA" });
  throw Object.assign(new Error(lookup.why), { code: lookup.why });
}
