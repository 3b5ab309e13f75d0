/**
 * Who exists in a domain: a confidence with an origin, not a plain list. Asked at every RCPT.
 *
 * Order: `postmaster` always; the local part as given (exact, then `prefix-*`, which the directory looks up in
 * the declared and the API list); the local part without its tag; the catch-all. Local parts compare without
 * case. Invariant: an answer never changes the address, it only says whether mail for it is taken.
 */
import type { Address } from "../../mail/address.ts";
import type { DirectoryReader, DomainRecord, Origin } from "../../ports/directory.ts";

export type RecipientAnswer =
  | { readonly kind: "known"; readonly pattern: string; readonly origin: Origin }
  /** Valid whatever the lists say, RFC 5321 §4.5.1. */
  | { readonly kind: "postmaster" }
  | { readonly kind: "catchAll" }
  | { readonly kind: "unknown" };

export class Recipients {
  readonly #directory: Pick<DirectoryReader, "recipient">;

  constructor(directory: Pick<DirectoryReader, "recipient">) {
    this.#directory = directory;
  }

  /** Looks for a mailbox of `domain`, whose record the caller has for the transaction's generation. */
  find(domain: DomainRecord, address: Address): RecipientAnswer {
    if (address.local === "postmaster") return { kind: "postmaster" };
    for (const local of spellings(address.local, domain.settings.tagSeparator)) {
      const hit = this.#directory.recipient(domain, local);
      if (hit !== undefined) return { kind: "known", pattern: hit.pattern, origin: hit.origin };
    }
    return { kind: domain.settings.catchAll ? "catchAll" : "unknown" };
  }
}

/** The local part itself, then without its tag; a separator in front is no tag. */
function spellings(local: string, separator: string): readonly string[] {
  const at = separator === "" ? -1 : local.indexOf(separator, 1);
  return at === -1 ? [local] : [local, local.slice(0, at)];
}
