/** DNS lookups of names and addresses. Errors are values: a failed lookup is temporary, never a bounce. */

export type Lookup<T> =
  | { readonly kind: "found"; readonly records: readonly T[] }
  /** No such record; `nameless`: nor any other, since there is no such name (NXDOMAIN). */
  | { readonly kind: "none"; readonly nameless?: true }
  /** SERVFAIL, time-out, refusal. */
  | { readonly kind: "failed"; readonly why: string };

export interface MxRecord {
  readonly preference: number;
  /** Empty for the null MX, RFC 7505. */
  readonly host: string;
}

export type RecordType = "A" | "AAAA" | "CNAME" | "TXT" | "PTR";

/** Records as the DNS has them, for standards that are written over them; no host table, no literals. */
export interface RecordSource {
  /** Addresses and names as text, each TXT record in one piece. `why` is the code of node:dns where there is one. */
  records(name: string, type: RecordType): Promise<Lookup<string>>;
  mx(domain: string): Promise<Lookup<MxRecord>>;
}

export interface Resolver {
  /** IPv4 and IPv6 addresses of a host: literals as they are, /etc/hosts first, then DNS. */
  addresses(host: string): Promise<Lookup<string>>;
  mx(domain: string): Promise<Lookup<MxRecord>>;
  /** Forward-confirmed name of a client; `none` when it has none. */
  confirmedName(ip: string): Promise<Lookup<string>>;
}
