/** What the admin endpoint is given: contracts of its own where no port has them. */
import type { Context } from "hono";
import type { HttpBindings } from "@hono/node-server";
import type { ListStatus } from "../../ports/blocklist.ts";
import type { AccessRule } from "../../ports/checks.ts";
import type { DirectoryBrowser } from "../../ports/directory.ts";
import type { Explanation, ExplainRequest } from "../../ports/explanation.ts";
import type { KnownPrimaries } from "../../ports/health.ts";
import type { Journal } from "../../ports/journal.ts";
import type { TraceReader } from "../../ports/trace.ts";
import type { OperatorStore, QueueReader } from "../../ports/operator.ts";
import type { AllowedSenderReader, AllowedSenderStore } from "../../ports/quarantine.ts";
import type { StoreCondition } from "../../ports/store-condition.ts";
import type { PrimaryRehearsal } from "../../ports/rehearsal.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import type { DirectoryEditor } from "../../services/directory/directory.ts";
import type { Rules } from "../../services/rules/rules.ts";
import type { Tokens } from "../../services/tokens/tokens.ts";
import type { Doctor } from "../../services/doctor/doctor.ts";
import type { FetchStatusBody, RecipientCheckBody, ReloadBody, StatusBody } from "./contract.ts";

/** Known to the main thread at any moment, so that health is answered while other threads hang. */
export interface ControlStatus {
  readonly version: string;
  readonly hostname: string;
  readonly startedAt: number;
  readonly condition: StoreCondition;
  /** What ails the store, and what is to be done where somebody must. */
  readonly trouble?: string;
  /** Addresses on which SMTP clients are greeted; empty while starting and stopping. */
  readonly listening: readonly string[];
  readonly connections: number;
  /** Bytes free above the reserve. */
  readonly room: number;
  readonly generation: number;
  /** Which way notices to senders go: `off`, `direct` or `host:port`. */
  readonly notices: string;
  /** Lists of clients in the DNS, and how they stand. */
  readonly lists: readonly ListStatus[];
  /** Domains that hold more than their quota. */
  readonly overQuota: readonly string[];
  /** Of the SMTP side, the default first; ends in ms since 1970. */
  readonly certificates: StatusBody["certificates"];
}

export interface AdminParts {
  /** Path of the Unix socket; who may open it may do everything. */
  readonly socket: string;
  /** TCP address; port 0 takes any free one. */
  readonly listen?: { readonly address: string; readonly port: number };
  readonly queue: QueueReader;
  readonly operator: OperatorStore;
  readonly directory: DirectoryBrowser;
  /** Each change resolves once it is visible to all threads. */
  readonly editor: Pick<
    DirectoryEditor,
    "addDomain" | "changeDomain" | "removeDomain" | "setPaused" | "changeRecipients"
  >;
  /** What a client would be told of a recipient now, without asking anybody over the network. */
  checkRecipient(address: string): Promise<RecipientCheckBody>;
  /** How the list stands that a domain fetches; undefined where it fetches none. */
  fetched(domain: string): FetchStatusBody | undefined;
  /** Why the file that lists a domain's recipients could not be used since it changed. */
  fileTrouble(domain: string): string | undefined;
  readonly trace: TraceReader;
  /** What a client would be told; undefined while no SMTP thread answers. */
  explain(request: ExplainRequest): Promise<Explanation | undefined>;
  /** Rules of access that are added while the daemon runs. */
  readonly rules: Pick<Rules, "list" | "add" | "remove">;
  /** Those of the configuration, in order. */
  declaredRules(): readonly AccessRule[];
  readonly tokens: Tokens;
  readonly senders: AllowedSenderStore & AllowedSenderReader;
  /** Must not wait for other threads. */
  status(): ControlStatus;
  /** Answers within seconds, also where the thread that knows them hangs. */
  primaries(): Promise<KnownPrimaries>;
  /** Ends the probation of a domain; false: not now. */
  resume(domain: string): Promise<boolean>;
  /** A test session with each primary of a domain; undefined: not now. */
  rehearse(domain: string, known: string): Promise<readonly PrimaryRehearsal[] | undefined>;
  readonly doctor: Pick<Doctor, "server" | "domain">;
  reload(): Promise<ReloadBody>;
  /** Prometheus text format. */
  metrics(): Promise<string>;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Who asks: `socket`, or the name of a token and the domain that it is confined to. */
interface Caller {
  readonly who: string;
  readonly domain?: string;
}

/** Types of the context that all routes share. */
export interface AdminEnv {
  Bindings: Partial<HttpBindings>;
  Variables: { caller: Caller };
}

export type AdminContext = Context<AdminEnv>;
