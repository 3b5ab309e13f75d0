/** A running delivery over fakes, on a clock that the test moves. */
import { dsnComposer } from "../../src/adapters/smtp-client/smtp-client.ts";
import type { Resolver } from "../../src/ports/resolver.ts";
import type { DsnParts } from "../../src/services/delivery/ground/parts.ts";
import { startDelivery, type Delivery, type DeliverySettings } from "../../src/services/delivery/delivery.ts";
import { FakeDirectory } from "./fake-directory.ts";
import { FakeSmtpClient } from "./fake-smtp-client.ts";
import { FakeWorkStore } from "./fake-work-store.ts";
import { ManualClock } from "./manual-clock.ts";
import { MemoryJournal } from "./memory-journal.ts";
import { FakeNotes } from "./recipient-notes.ts";
import { idle, pass } from "./settle.ts";
import { SILENT } from "./silent-log.ts";

export const SETTINGS: DeliverySettings = {
  hostname: "mx2.test",
  ownAddresses: [],
  connections: 8,
  mailsPerConnection: 100,
  retention: {
    waiting: 30 * 86_400_000,
    quarantine: 30 * 86_400_000,
    parked: 30 * 86_400_000,
    ledger: 90 * 86_400_000,
  },
  alertsOldest: 4 * 3_600_000,
  notices: { route: { kind: "off" }, perSender: 0, fullSize: 0, retention: 0 },
};

/** Nobody is owed a DSN. */
export const NO_DSNS: DsnParts = {
  store: {
    owed: async () => [],
    told: async () => false,
    delayed: async () => ({ place: [0, 0, 0], more: false }),
  },
  composer: dsnComposer,
  nextId: () => "n",
};

/** Literals resolve to themselves, other names as the map says. */
export class FakeResolver implements Resolver {
  readonly hosts = new Map<string, Awaited<ReturnType<Resolver["addresses"]>>>();
  readonly exchangers = new Map<string, Awaited<ReturnType<Resolver["mx"]>>>();

  async addresses(host: string): ReturnType<Resolver["addresses"]> {
    return this.hosts.get(host) ?? { kind: "found", records: [host] };
  }
  async mx(domain: string): ReturnType<Resolver["mx"]> {
    return this.exchangers.get(domain) ?? { kind: "none" };
  }
  async confirmedName(): ReturnType<Resolver["confirmedName"]> {
    return { kind: "none" };
  }
}

export interface Bench {
  readonly clock: ManualClock;
  readonly store: FakeWorkStore;
  readonly directory: FakeDirectory;
  readonly client: FakeSmtpClient;
  readonly resolver: FakeResolver;
  readonly journal: MemoryJournal;
  /** 0.5 unless a test wants chance. */
  random: () => number;
  dsn: DsnParts;
  /** Starts delivery; what waits in the store is found by it. */
  start(change?: Partial<DeliverySettings>, watch?: "all domains"): Promise<Delivery>;
  pass(milliseconds: number, step?: number): Promise<void>;
}

export function deliveryBench(): Bench {
  const clock = new ManualClock();
  const bench: Bench = {
    clock,
    random: () => 0.5,
    dsn: NO_DSNS,
    store: new FakeWorkStore(clock),
    directory: new FakeDirectory(),
    client: new FakeSmtpClient(),
    resolver: new FakeResolver(),
    journal: new MemoryJournal(),
    pass: (milliseconds: number, step?: number) => pass(clock, milliseconds, step),
    start: async (change: Partial<DeliverySettings> = {}, watch?: "all domains") => {
      const settings = { ...SETTINGS, ...change };
      const delivery = startDelivery({
        ...bench,
        notes: new FakeNotes(),
        domains: async () => (watch === undefined ? [] : bench.directory.names()),
        log: SILENT,
        settings,
      });
      await idle();
      return delivery;
    },
  };
  return bench;
}
