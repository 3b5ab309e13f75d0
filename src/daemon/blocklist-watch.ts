/** Keeps an eye on the blocklists from the main thread: which of them work, and whether our own address is on one. */
import { dnsBlocklists, dnsResolver } from "../adapters/dns/dns.ts";
import type { Config } from "../config/config.ts";
import type { CrewParts, SmtpThread } from "../threads/crew.ts";
import type { DirectoryBrowser } from "../ports/directory.ts";
import { tellAll } from "./smtp-threads.ts";
import { errorText } from "../runtime/log.ts";
import { ListHealth, OwnListing } from "../services/policy/policy.ts";
import { badClientZones, listZones, zonesOf } from "../threads/settings.ts";

export interface BlocklistWatch {
  readonly health: ListHealth;
  /** Tests the lists and asks those that work about our own address, without waiting; the log gets what fails. */
  begin(): void;
  /** The lists of these settings, and those of domains, are in use from here on. */
  use(config: Config): void;
  /** The directory has changed: a domain of the API may name lists of its own. */
  directoryChanged(): void;
  /** Only lists that work are asked about us. */
  lookAtOurselves(): Promise<void>;
}

interface WatchParts {
  readonly crew: CrewParts;
  readonly config: () => Config;
  readonly directory: Pick<DirectoryBrowser, "domains">;
  /** Those who must hear which lists work. */
  readonly smtp: () => readonly SmtpThread[];
}

/** Changes of the directory that come together are looked at together, in ms. */
const GATHER = 500;

export function watchBlocklists({ crew, config, directory, smtp }: WatchParts): BlocklistWatch {
  const { clock, sink } = crew;
  const { dns, hostname } = config();
  const blocklists = dnsBlocklists({ servers: dns.servers, clock });
  const changed = (zones: readonly string[]): void =>
    void tellAll(smtp(), "useLists", zones).catch(() => undefined);
  const health = new ListHealth({ blocklists, clock, journal: sink, changed });
  health.use(listZones(config()));
  const resolver = dnsResolver({ servers: dns.servers, clock });
  const own = new OwnListing({ blocklists, resolver, journal: sink, hostname });
  let planned = false;
  let ofDomains: readonly string[] = [];
  const use = (config: Config): void => health.use([...new Set([...listZones(config), ...ofDomains])]);
  const look = async (): Promise<void> => {
    planned = false;
    ofDomains = zonesOf((await directory.domains()).map(({ settings }) => settings.checks?.dnsbl));
    use(config());
    await health.test();
  };
  const lookAtOurselves = (): Promise<void> => {
    const sound = health.sound();
    return own.look(badClientZones(config()).filter((zone) => sound.includes(zone)));
  };
  const begin = async (): Promise<void> => {
    await health.test();
    await lookAtOurselves();
  };
  const failed = (error: unknown): void =>
    sink.log.warn("the blocklists were not tested", { error: errorText(error) });
  return {
    health,
    begin: () => void begin().catch(failed),
    use,
    directoryChanged: () => {
      if (planned) return;
      planned = true;
      clock.after(GATHER, () => void look().catch(() => undefined));
    },
    lookAtOurselves,
  };
}
