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
  /** Our own listeners; one on all addresses covers loopback, the other interfaces' addresses stand beside it. */
  readonly ownAddresses: readonly OwnAddress[];
  readonly retention: Retention;
  /** Age of a domain's oldest mail from which on the operator is told. */
  readonly alertsOldest: number;
  readonly notices: NoticeSettings;
}

export interface DsnParts {
  readonly store: DsnStore;
  readonly composer: DsnComposer;
  readonly nextId: () => string;
}

/** What sets the writing and the delivery of DSNs going. */
export interface DsnTriggers {
  /** Something is owed to a sender. */
  owed(): void;
  /** A DSN waits in the queue. */
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
  /** For so many ms from now on nothing ends because it is old by our clock (daemon/doubted-ages.ts). */
  readonly agesDoubted?: number;
  /** What writes DSNs to senders. */
  readonly dsn: DsnParts;
  /** What primaries say of single addresses. */
  readonly notes: RecipientNotes;
  /** Names of all domains, so that their primaries are watched before the first mail comes. */
  readonly domains: () => Promise<readonly string[]>;
}

export interface DispatcherParts extends DeliveryParts {
  readonly dsnTriggers: DsnTriggers;
}
