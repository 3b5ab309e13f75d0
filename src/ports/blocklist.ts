/** Lists of client addresses in the DNS (DNSBL, DNSWL), RFC 5782. An unclear answer is an error, never a listing. */
import type { Lookup } from "./resolver.ts";

export interface Blocklists {
  /**
   * Resolves to the codes in 127.0.0.0/8 under which `zone` lists the address; `none`: not listed. `failed`: no answer,
   * or a code that does not concern the client, such as 127.255.255.254 (RFC 5782 §2.3 and the custom of large lists).
   */
  codes(zone: string, ip: string): Promise<Lookup<string>>;
  /** The list's explanation (TXT record) of why it lists an address; one printable line. */
  reason(zone: string, ip: string): Promise<string | undefined>;
  /** Tests whether the list works, RFC 5782 §5: it must contain 127.0.0.2 and must not contain 127.0.0.1. */
  test(zone: string): Promise<ListTest>;
  /** Whether `zone` lists an address of ours; false if there is no answer. The result is not cached. */
  listsHost(zone: string, ip: string): Promise<boolean>;
}

export type ListTest = { readonly kind: "sound" } | { readonly kind: "sick"; readonly why: string };

/** The state of a list, as shown to operators. Only lists that are `sound` are used. */
export interface ListStatus {
  readonly zone: string;
  readonly state: "untested" | "sound" | "sick";
  /** When this state began, ms since 1970. */
  readonly since: number;
  readonly why?: string;
}
