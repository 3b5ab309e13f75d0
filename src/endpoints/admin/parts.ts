/** What the admin endpoint is given: contracts of its own where no port has them. */
import type { Context } from "hono";
import type { HttpBindings } from "@hono/node-server";
import type { ListStatus } from "../../ports/blocklist.ts";
import type { DirectoryBrowser, DirectoryWriter } from "../../ports/directory.ts";
import type { PrimaryStatus } from "../../ports/health.ts";
import type { Journal, TraceReader } from "../../ports/journal.ts";
import type { OperatorStore, QueueReader } from "../../ports/operator.ts";
import type { StoreCondition } from "../../ports/queue.ts";
import type { PrimaryRehearsal } from "../../ports/rehearsal.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import type { Access } from "../../services/access/access.ts";
import type { RecipientAnswer, ReloadBody } from "./contract.ts";

/** Changes to the directory; each resolves once it is visible to all threads. */
export type DirectoryEdits = Pick<
  DirectoryWriter,
  "addDomain" | "removeDomain" | "setPaused" | "changeRecipients"
>;

/** What the recipients room would answer now, without asking anybody over the network. */
export interface RecipientOracle {
  check(address: string): Promise<RecipientAnswer>;
}

/** Known to the main thread at any moment, so that health is answered while other threads hang. */
export interface ControlStatus {
  readonly version: string;
  readonly hostname: string;
  readonly startedAt: number;
  readonly condition: StoreCondition;
  /** Addresses on which SMTP clients are greeted; empty while starting and stopping. */
  readonly listening: readonly string[];
  readonly connections: number;
  /** Bytes free above the reserve. */
  readonly room: number;
  readonly generation: number;
  /** Lists of clients in the DNS, and how they stand. */
  readonly lists: readonly ListStatus[];
}

export interface AdminParts {
  /** Path of the Unix socket; who may open it may do everything. */
  readonly socket: string;
  /** TCP address; port 0 takes any free one. */
  readonly listen?: { readonly address: string; readonly port: number };
  readonly queue: QueueReader;
  readonly operator: OperatorStore;
  readonly directory: DirectoryBrowser;
  readonly editor: DirectoryEdits;
  readonly recipients: RecipientOracle;
  readonly trace: TraceReader;
  readonly access: Access;
  /** Must not wait for other threads. */
  status(): ControlStatus;
  primaries(): Promise<readonly PrimaryStatus[]>;
  /** Ends the probation of a domain. */
  resume(domain: string): Promise<void>;
  /** A test session with each primary of a domain; undefined: not now, or not one of our domains. */
  rehearse(domain: string, known: string): Promise<readonly PrimaryRehearsal[] | undefined>;
  reload(): Promise<ReloadBody>;
  /** Prometheus text format. */
  metrics(): Promise<string>;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Who asks: `socket`, or the name of a token and the domain that it is confined to. */
export interface Caller {
  readonly who: string;
  readonly domain?: string;
}

/** Types of the context that all routes share. */
export interface AdminEnv {
  Bindings: Partial<HttpBindings>;
  Variables: { caller: Caller };
}

export type AdminContext = Context<AdminEnv>;
