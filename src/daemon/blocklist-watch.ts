/** Watches the blocklists from the main thread: which of them work, and whether one of them lists our own address. */
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
  /** Tests the lists, then asks those that work about our own address. Does not wait; logs a failure. */
  begin(): void;
  /** Uses the lists of this configuration, and those of domains, from now on. */
  use(config: Config): void;
  /** To be called when the directory has changed: a domain of the API may have lists of its own. */
  directoryChanged(): void;
  /** Asks the lists that work about our own address. */
  lookAtOurselves(): Promise<void>;
}

interface WatchParts {
  readonly crew: CrewParts;
  readonly config: () => Config;
  readonly directory: Pick<DirectoryBrowser, "domains">;
  /** The threads that must know which lists work. */
  readonly smtp: () => readonly SmtpThread[];
}

/** Ms; changes of the directory within this time are handled together. */
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
