/** DNS lookups. Errors are values: a failed lookup is temporary and never leads to a bounce. */

export type Lookup<T> =
  | { readonly kind: "found"; readonly records: readonly T[] }
  /** No such record; `nameless`: the name does not exist at all (NXDOMAIN). */
  | { readonly kind: "none"; readonly nameless?: true }
  /** SERVFAIL, timeout, refusal. */
  | { readonly kind: "failed"; readonly why: string };

export interface MxRecord {
  readonly preference: number;
  /** Empty for the null MX, RFC 7505. */
  readonly host: string;
}

export type RecordType = "A" | "AAAA" | "CNAME" | "TXT" | "PTR";

/** Plain DNS records, for SPF, DKIM and similar standards; without the host table, without address literals. */
export interface RecordSource {
  /** Records as text, each TXT record in one piece. `why` is the error code of node:dns if there is one. */
  records(name: string, type: RecordType): Promise<Lookup<string>>;
  mx(domain: string): Promise<Lookup<MxRecord>>;
}

export interface Resolver {
  /** IPv4 and IPv6 addresses of a host from /etc/hosts, then from DNS; an address literal is returned as it is. */
  addresses(host: string): Promise<Lookup<string>>;
  mx(domain: string): Promise<Lookup<MxRecord>>;
  /** Forward-confirmed name of a client; `none` if it has none. */
  confirmedName(ip: string): Promise<Lookup<string>>;
}
