/** Lists of client addresses in the DNS (DNSBL, DNSWL), RFC 5782. An unclear answer is an error, never a listing. */
import type { Lookup } from "./resolver.ts";

export interface Blocklists {
  /**
   * The codes in 127.0.0.0/8 under which `zone` lists the address; `none`: not listed. `failed`: no answer, or one
   * that says nothing of the client, such as 127.255.255.254 (RFC 5782 §2.3 and the custom of large lists).
   */
  codes(zone: string, ip: string): Promise<Lookup<string>>;
  /** What the list says to people of an address that it lists; one printable line. */
  reason(zone: string, ip: string): Promise<string | undefined>;
  /** Whether the list works at this moment, RFC 5782 §5: it must have 127.0.0.2 and must not have 127.0.0.1. */
  test(zone: string): Promise<ListTest>;
  /** Whether `zone` lists an address of ours. Asked seldom, not remembered; where nobody answers: false. */
  listsHost(zone: string, ip: string): Promise<boolean>;
}

export type ListTest = { readonly kind: "sound" } | { readonly kind: "sick"; readonly why: string };

/** How a list stands, as told to operators. Only sound ones count. */
export interface ListStatus {
  readonly zone: string;
  readonly state: "untested" | "sound" | "sick";
  /** When this state began, ms since 1970. */
  readonly since: number;
  readonly why?: string;
}
