/** Lists of clients in the DNS: which of them work, and whether we stand on one ourselves. */
import { dnsBlocklists, dnsResolver } from "./adapters/dns/dns.ts";
import type { Config } from "./config/config.ts";
import type { CrewParts } from "./crew.ts";
import { ListHealth, OwnListing } from "./services/policy/policy.ts";
import { listZones } from "./settings.ts";

export interface ClientLists {
  readonly lists: ListHealth;
  readonly own: OwnListing;
}

/** `changed`: which lists work, whenever that changes. */
export function openLists(
  config: Config,
  { clock, sink }: CrewParts,
  changed: (zones: readonly string[]) => void,
): ClientLists {
  const { dns, hostname } = config;
  const blocklists = dnsBlocklists({ servers: dns.servers, clock });
  const lists = new ListHealth({ blocklists, clock, journal: sink, changed });
  lists.use(listZones(config));
  const resolver = dnsResolver({ servers: dns.servers, clock });
  return { lists, own: new OwnListing({ blocklists, resolver, journal: sink, hostname }) };
}
