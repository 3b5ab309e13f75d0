/** What the admin endpoint needs from the daemon. Contracts that no port defines are defined here. */
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

/** What the main thread always knows, so that health is answered while other threads hang. */
export interface ControlStatus {
  readonly version: string;
  readonly hostname: string;
  readonly startedAt: number;
  readonly condition: StoreCondition;
  /** What is wrong with the store, and what the operator must do, if anything. */
  readonly trouble?: string;
  /** Addresses on which SMTP clients are greeted; empty while starting and stopping. */
  readonly listening: readonly string[];
  readonly connections: number;
  /** Bytes free above the reserve. */
  readonly room: number;
  readonly generation: number;
  /** The route of notices to senders: `off`, `direct` or `host:port`. */
  readonly notices: string;
  /** The DNS blocklists and their state. */
  readonly lists: readonly ListStatus[];
  /** Domains that hold more than their quota. */
  readonly overQuota: readonly string[];
  /** Certificates of the SMTP listeners, the default one first; their ends in ms since 1970. */
  readonly certificates: StatusBody["certificates"];
}

export interface AdminParts {
  /** Path of the Unix socket. A client that may open it may do everything. */
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
  /** Says what an SMTP client would be told about a recipient now. Makes no network request. */
  checkRecipient(address: string): Promise<RecipientCheckBody>;
  /** The state of the list that a domain fetches; undefined if it fetches none. */
  fetched(domain: string): FetchStatusBody | undefined;
  /** Why the changed file with a domain's recipients could not be used; undefined if there is no such problem. */
  fileTrouble(domain: string): string | undefined;
  readonly trace: TraceReader;
  /** Says what an SMTP client would be told; undefined while no SMTP thread answers. */
  explain(request: ExplainRequest): Promise<Explanation | undefined>;
  /** Access rules that operators added while the daemon was running. */
  readonly rules: Pick<Rules, "list" | "add" | "remove">;
  /** The access rules of the configuration, in order. */
  declaredRules(): readonly AccessRule[];
  readonly tokens: Tokens;
  readonly senders: AllowedSenderStore & AllowedSenderReader;
  /** Must not wait for other threads. */
  status(): ControlStatus;
  /** Answers within seconds, even if the delivery thread hangs. */
  primaries(): Promise<KnownPrimaries>;
  /** Ends the probation of a domain; false if no delivery thread is running. */
  resume(domain: string): Promise<boolean>;
  /** Runs a test session with each primary of a domain; undefined if no delivery thread is running. */
  rehearse(domain: string, known: string): Promise<readonly PrimaryRehearsal[] | undefined>;
  readonly doctor: Pick<Doctor, "server" | "domain">;
  reload(): Promise<ReloadBody>;
  /** Prometheus text format. */
  metrics(): Promise<string>;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The author of a request: `socket`, or the name of a token and the domain to which it is confined. */
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
