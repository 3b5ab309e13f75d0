import type { DirectoryReader } from "../../../ports/directory.ts";
import type { DsnComposer, DsnStore, NoticeSettings } from "../../../ports/dsn.ts";
import type { Journal } from "../../../ports/journal.ts";
import type { RecipientNotes } from "../../../ports/recipient-memory.ts";
import type { Resolver } from "../../../ports/resolver.ts";
import type { SmtpClient } from "../../../ports/smtp-client.ts";
import type { WorkStore } from "../../../ports/work-store.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Logger } from "../../../runtime/log.ts";
import type { OwnAddress } from "../../health/health.ts";
import type { Retention } from "../../queue/queue.ts";

export interface PoolSettings {
  /** Most connections to one primary. */
  readonly connections: number;
  readonly mailsPerConnection: number;
}

/** Times in ms. May be replaced while running. */
export interface DeliverySettings extends PoolSettings {
  readonly hostname: string;
  /** Our own listeners. A listener on all addresses covers loopback; each other interface has an entry of its own. */
  readonly ownAddresses: readonly OwnAddress[];
  readonly retention: Retention;
  /** The operator is alerted when a domain's oldest mail reaches this age. */
  readonly alertsOldest: number;
  readonly notices: NoticeSettings;
}

export interface DsnParts {
  readonly store: DsnStore;
  readonly composer: DsnComposer;
  readonly nextId: () => string;
}

/** Starts the writing and the delivery of DSNs. */
export interface DsnTriggers {
  /** Reports that a notice is owed to a sender. */
  owed(): void;
  /** Reports that a DSN waits in the queue. */
  waiting(): void;
}

/** Whether refusals of this primary (`host:port`) of a domain are not believed at present. */
export type Doubts = (domain: string, destination: string) => boolean;

export interface DeliveryParts {
  readonly store: WorkStore;
  readonly directory: DirectoryReader;
  readonly client: SmtpClient;
  readonly resolver: Resolver;
  readonly journal: Journal;
  readonly log: Logger;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly settings: DeliverySettings;
  /** For this time, in ms from now, no mail ends because of its age by our clock (daemon/doubted-ages.ts). */
  readonly agesDoubted?: number;
  /** For writing DSNs to senders. */
  readonly dsn: DsnParts;
  /** What primaries answered about single addresses. */
  readonly notes: RecipientNotes;
  /** Lists the names of all domains, so that their primaries are watched before the first mail arrives. */
  readonly domains: () => Promise<readonly string[]>;
}

export interface DispatcherParts extends DeliveryParts {
  readonly dsnTriggers: DsnTriggers;
}
