/** Names to addresses. Errors are values: a name that cannot be looked up is the world's trouble, never a bounce. */

export type Lookup<T> =
  | { readonly kind: "found"; readonly records: readonly T[] }
  /** NXDOMAIN or no data. */
  | { readonly kind: "none" }
  /** SERVFAIL, time-out, refusal. */
  | { readonly kind: "failed"; readonly why: string };

export interface MxRecord {
  readonly preference: number;
  /** Empty for the null MX, RFC 7505. */
  readonly host: string;
}

export interface Resolver {
  /** IPv4 and IPv6 addresses of a host: literals as they are, /etc/hosts first, then DNS. */
  addresses(host: string): Promise<Lookup<string>>;
  mx(domain: string): Promise<Lookup<MxRecord>>;
  /** Forward-confirmed name of a client; `none` when it has none. */
  confirmedName(ip: string): Promise<Lookup<string>>;
}
