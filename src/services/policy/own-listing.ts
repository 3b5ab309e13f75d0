import { networkSet } from "../../mail/network.ts";
import type { Blocklists } from "../../ports/blocklist.ts";
import type { Journal } from "../../ports/journal.ts";
import type { Resolver } from "../../ports/resolver.ts";

interface OwnListingParts {
  readonly blocklists: Pick<Blocklists, "listsHost">;
  readonly resolver: Pick<Resolver, "addresses">;
  readonly journal: Journal;
  /** The name of this server in MX records, whose addresses are ours. */
  readonly hostname: string;
}

/** Private and local addresses, which no public list contains. */
const isLocal = networkSet([
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "::/127",
  "fc00::/7",
  "fe80::/10",
]);

/** Checks whether lists of bad clients contain our own address: primaries and others might then refuse our mail. */
export class OwnListing {
  readonly #parts: OwnListingParts;
  /** Listings that were journalled. One is forgotten when its list denies it or does not answer. */
  readonly #known = new Set<string>();

  constructor(parts: OwnListingParts) {
    this.#parts = parts;
  }

  /** Queries one list after the other, and journals new listings. */
  async look(zones: readonly string[]): Promise<void> {
    const { blocklists, journal } = this.#parts;
    const addresses = zones.length === 0 ? [] : await this.#addresses();
    for (const ip of addresses) {
      for (const zone of zones) {
        const listing = `${zone} ${ip}`;
        if (!(await blocklists.listsHost(zone, ip))) this.#known.delete(listing);
        else if (!this.#known.has(listing)) {
          this.#known.add(listing);
          journal.record({ kind: "blocklist.listsUs", zone, ip });
        }
      }
    }
  }

  async #addresses(): Promise<readonly string[]> {
    const lookup = await this.#parts.resolver.addresses(this.#parts.hostname);
    if (lookup.kind !== "found") return [];
    return lookup.records.filter((ip) => !isLocal(ip));
  }
}
