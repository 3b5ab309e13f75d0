/** Keeps an eye on the blocklists from the main thread: which of them work, and whether our own address is on one. */
import { dnsBlocklists, dnsResolver } from "./adapters/dns/dns.ts";
import type { Config } from "./config/config.ts";
import type { CrewParts, SmtpThread } from "./crew.ts";
import { applyLists } from "./followers.ts";
import { ListHealth, OwnListing } from "./services/policy/policy.ts";
import { badClientZones, listZones } from "./settings.ts";

export interface BlocklistWatch {
  readonly health: ListHealth;
  /** Only lists that work are asked about us. */
  lookAtOurselves(): Promise<void>;
}

export interface WatchParts {
  readonly crew: CrewParts;
  readonly config: () => Config;
  /** Those who must hear which lists work. */
  readonly smtp: () => readonly SmtpThread[];
}

export function watchBlocklists({ crew, config, smtp }: WatchParts): BlocklistWatch {
  const { clock, sink } = crew;
  const { dns, hostname } = config();
  const blocklists = dnsBlocklists({ servers: dns.servers, clock });
  const changed = (zones: readonly string[]): void => void applyLists(zones, smtp()).catch(() => undefined);
  const health = new ListHealth({ blocklists, clock, journal: sink, changed });
  health.use(listZones(config()));
  const resolver = dnsResolver({ servers: dns.servers, clock });
  const own = new OwnListing({ blocklists, resolver, journal: sink, hostname });
  return {
    health,
    lookAtOurselves: () => {
      const sound = health.sound();
      return own.look(badClientZones(config()).filter((zone) => sound.includes(zone)));
    },
  };
}
