import { mailboxKey, type Address } from "../../mail/address.ts";
import { isBeginning } from "../../mail/recipient-pattern.ts";
import type { DirectoryReader, DomainRecord, RecipientOrigin } from "../../ports/directory.ts";
import type { RecipientMemory, Refusal, Teller } from "../../ports/recipient-memory.ts";
import type { Clock } from "../../runtime/clock.ts";
import { ACCEPTED_FOR, ACCEPTED_STALE, DOUBTED_FOR, REFUSED_FOR, REFUSED_STALE } from "./ages.ts";

export type RecipientKnowledge =
  | { readonly kind: "known"; readonly pattern: string; readonly origin: RecipientOrigin }
  /** Valid whatever the lists say, RFC 5321 §4.5.1. */
  | { readonly kind: "postmaster" }
  /** Its primary accepted it; `stale`: the primary should be asked again. */
  | { readonly kind: "accepted"; readonly at: number; readonly origin: Teller; readonly stale: boolean }
  /** Its primary has no such mailbox; `doubted`: it is listed, or was accepted recently. */
  | ({ readonly kind: "refused"; readonly doubted: boolean; readonly stale: boolean } & Refusal)
  | { readonly kind: "catchAll" }
  | { readonly kind: "unknown" };

export interface KnownParts {
  readonly memory: Pick<RecipientMemory, "find" | "mayBeRefused">;
  readonly clock: Clock;
}

/** Looks up what the lists and the memory know of an address. */
export class Known {
  readonly #directory: Pick<DirectoryReader, "recipient">;
  readonly #parts: KnownParts;

  constructor(directory: Pick<DirectoryReader, "recipient">, parts: KnownParts) {
    this.#directory = directory;
    this.#parts = parts;
  }

  /** Looks up a mailbox of `domain`, whose record is that of the transaction's generation. */
  find(domain: DomainRecord, address: Address): RecipientKnowledge {
    if (address.local === "postmaster") return { kind: "postmaster" };
    const locals = spellings(address.local, domain.settings.tagSeparator);
    const listed = this.#listed(domain, locals);
    const said = this.#said(domain, locals, listed);
    if (said?.kind === "refused") return said;
    return listed ?? said ?? { kind: domain.settings.catchAll ? "catchAll" : "unknown" };
  }

  /** Returns the list entry for the address. Any exact name, with or without the tag, precedes a `prefix-*` pattern. */
  #listed(domain: DomainRecord, locals: readonly string[]): RecipientKnowledge | undefined {
    let beginning: RecipientKnowledge | undefined;
    for (const local of locals) {
      const hit = this.#directory.recipient(domain, local);
      if (hit === undefined) continue;
      const known = { kind: "known", pattern: hit.pattern, origin: hit.origin } as const;
      if (!isBeginning(hit.pattern)) return known;
      beginning ??= known;
    }
    return beginning;
  }

  /** Returns what the primary said about the address itself, or its acceptance of the address without the tag. */
  #said(
    domain: DomainRecord,
    locals: readonly string[],
    listed: RecipientKnowledge | undefined,
  ): RecipientKnowledge | undefined {
    const { memory, clock } = this.#parts;
    const now = clock.now();
    const { callout = false } = domain.settings;
    for (const [index, local] of locals.entries()) {
      if (index > 0 && !callout) break;
      const key = mailboxKey({ local, domain: domain.name });
      // This runs at every RCPT, and for nearly every address nothing is known.
      if (!callout && !memory.mayBeRefused(key)) break;
      const { accepted, refused } = memory.find(key);
      const lately = accepted !== undefined && now - accepted.at <= ACCEPTED_FOR;
      if (index === 0 && refused !== undefined && counts(refused, now)) {
        const existed = lately || isByName(listed);
        const doubted = existed && now - refused.since < DOUBTED_FOR;
        return { kind: "refused", doubted, stale: now - refused.at >= REFUSED_STALE, ...refused };
      }
      if (lately && callout)
        return { kind: "accepted", ...accepted, stale: now - accepted.at >= ACCEPTED_STALE };
    }
    return undefined;
  }
}

/** Returns whether a refusal is recent enough. One in the future (the clock was set back) is of unknown age: no. */
function counts({ at }: Refusal, now: number): boolean {
  return at <= now && now - at < REFUSED_FOR;
}

/** Returns whether the address itself is in a list; a `prefix-*` pattern or its name without the tag is no proof. */
export function isListedByName(
  directory: Pick<DirectoryReader, "recipient">,
  domain: DomainRecord,
  { local }: Pick<Address, "local">,
): boolean {
  const listed = directory.recipient(domain, local);
  return listed !== undefined && !isBeginning(listed.pattern);
}

function isByName(listed: RecipientKnowledge | undefined): boolean {
  return listed?.kind === "known" && !isBeginning(listed.pattern);
}

/** Returns the local part, then the local part without its tag. A separator at the beginning starts no tag. */
export function spellings(local: string, separator: string): readonly string[] {
  const at = separator === "" ? -1 : local.indexOf(separator, 1);
  return at === -1 ? [local] : [local, local.slice(0, at)];
}
