/** One SMTP thread: talks to clients, applies the policy, and passes complete mails to the storage thread. */
import type { MessagePort } from "node:worker_threads";
import { mailAuthenticator } from "../adapters/authentication/authentication.ts";
import { journalTo } from "../adapters/journal/remote.ts";
import {
  connectIntake,
  openAllowedSenders,
  openDirectoryReader,
  openGreylist,
  openRecipientMemory,
} from "../adapters/storage/sqlite/sqlite.ts";
import { dnsBlocklists, dnsResolver } from "../adapters/dns/dns.ts";
import { clamd, rspamd } from "../adapters/scanners/scanners.ts";
import { startSmtp, type SmtpSettings } from "../endpoints/smtp/smtp.ts";
import type { Explanation, ExplainRequest } from "../ports/explanation.ts";
import type { Greylist } from "../ports/greylist.ts";
import type { PrimariesFacts } from "./primaries-facts.ts";
import type { PrimariesControl } from "./primaries-line.ts";
import { openChannel } from "../runtime/channel.ts";
import type { AccessRule, CheckSettings } from "../ports/checks.ts";
import type { ClientTables } from "../runtime/client-tables.ts";
import { systemClock, type ClockOffset } from "../runtime/clock.ts";
import { ConnectionTable } from "../runtime/connection-table.ts";
import { type LoopDelay, LoopWatch } from "../runtime/loop-delay.ts";
import { idSource } from "../runtime/ids.ts";
import { RateTable } from "../runtime/rate-table.ts";
import { serveControl, threadData } from "../runtime/threads.ts";
import { Directory } from "../services/directory/directory.ts";
import { allChecks, allInspections, Policy } from "../services/policy/policy.ts";
import { Acceptor } from "../services/queue/queue.ts";
import { Recipients, takeStranger, type RecipientParts } from "../services/recipients/recipients.ts";

export interface SmtpThreadData {
  readonly settings: SmtpSettings;
  readonly checks: CheckSettings;
  /** Rules that operators added at run time; they come before those of `checks`. */
  readonly rules: readonly AccessRule[];
  /** Zones of the blocklists that passed their test. */
  readonly soundLists: readonly string[];
  readonly dnsServers: readonly string[];
  readonly folder: string;
  readonly shared: SharedArrayBuffer;
  readonly clients: ClientTables;
  /** This thread's part of the memory for bodies, in bytes. */
  readonly bodyMemory: number;
  /** Number of this SMTP thread, from 0. */
  readonly thread: number;
  readonly intake: MessagePort;
  readonly primaries: MessagePort;
  /** Channel to the store's memory of greylisting. */
  readonly memory: MessagePort;
  readonly journal: MessagePort;
  readonly clockOffset: ClockOffset | undefined;
}

export type SmtpControl = {
  /** Checks new settings without using them; rejects if they cannot work. */
  prepare(settings: SmtpSettings): void;
  /** Uses new settings for transactions that begin from now on. */
  apply(settings: SmtpSettings): void;
  learned(facts: PrimariesFacts): void;
  applyChecks(checks: CheckSettings): void;
  /** Returns the delay of this thread's event loop since the previous call. */
  loopDelay(): LoopDelay;
  applyRules(rules: readonly AccessRule[]): void;
  /** Sets the domains that hold more than their quota. */
  full(domains: readonly string[]): void;
  /** Sets the blocklists that count from now on. */
  useLists(zones: readonly string[]): void;
  explain(request: ExplainRequest): Promise<Explanation>;
  /** Closes the listeners at once; a DATA in progress may take `grace` ms longer. */
  stop(request: { readonly grace: number }): Promise<void>;
};

const data = threadData<SmtpThreadData>();
const { folder, shared, bodyMemory } = data;
const { hostname } = data.settings;
const clock = systemClock(data.clockOffset);
const watch = new LoopWatch();
const { journal, log, flush } = journalTo(data.journal, clock);

// State that the main thread sends; each value is replaced as a whole when it sends a new one.
let declaredChecks = data.checks;
let addedRules = data.rules;
let checks = withRules();
let soundLists: ReadonlySet<string> = new Set(data.soundLists);
let longAway: ReadonlySet<string> = new Set();
let primariesUp: ReadonlyMap<string, string> = new Map();
let full: ReadonlySet<string> = new Set();

// The store, as far as this thread writes or reads it, and the channel to what is known about primaries.
const intake = connectIntake(data.intake, { folder, shared, bodyMemory, clock });
const directory = new Directory(openDirectoryReader(folder, shared));
const greylist = openGreylist(data.memory, { folder, clock });
const recipientMemory = openRecipientMemory({ folder, shared });
const allowedSenders = openAllowedSenders(folder);
const primaries = openChannel<PrimariesControl>(data.primaries);

const resolver = dnsResolver({ servers: data.dnsServers, clock });
const dnsbl = {
  blocklists: dnsBlocklists({ servers: data.dnsServers, clock }),
  isSound: (zone: string) => soundLists.has(zone),
};
const authenticator = mailAuthenticator({ resolver, hostname, log, clock });
const inspections = allInspections({
  authenticator,
  clamav: clamd({ clock, journal }),
  rspamd: rspamd({ clock, journal }),
  settings: () => checks,
  journal,
  clock,
});
const strangers = new RateTable(data.clients.strangers, data.thread);
const knowledge: RecipientParts = {
  memory: recipientMemory,
  clock,
  ask: (question) => primaries.call("ask", question),
  takeStranger: (stranger) => takeStranger(strangers, stranger, clock.now()),
};
const policyOver = (memory: Greylist, recipients: Recipients): Policy => {
  const common = { settings: () => checks, resolver, clock };
  const own = allChecks({
    ...common,
    recipients,
    hostname,
    dnsbl,
    greylist: { memory, longAway: (domain) => longAway.has(domain) },
    reachability: { memory, primaryUp: (domain) => primariesUp.get(domain) },
    isFull: (domain) => full.has(domain),
  });
  return new Policy({ ...common, checks: own, authenticator, inspections, allowedSenders, log });
};
// Connections of an earlier life of this thread no longer exist.
new ConnectionTable(data.clients.connections, data.thread).forget();
const endpoint = await startSmtp({
  settings: data.settings,
  clients: data.clients,
  thread: data.thread,
  directory,
  policy: policyOver(greylist, new Recipients(directory, knowledge)),
  // `explain` only asks: it counts no client, and asks no primary.
  sandbox: policyOver(
    { ...greylist, note: () => undefined },
    new Recipients(directory, {
      ...knowledge,
      ask: async () => ({ kind: "away" }),
      takeStranger: () => true,
    }),
  ),
  acceptor: new Acceptor({ intake, clock, journal, nextId: idSource(() => clock.now()) }),
  journal,
  log,
  clock,
  flush: (domain) => void primaries.call("flush", domain).catch(() => undefined),
});

serveControl<SmtpControl>({
  prepare: (settings) => endpoint.check(settings),
  apply: (settings) => endpoint.apply(settings),
  learned: (facts) => {
    endpoint.learned(facts.offers);
    longAway = new Set(facts.longAway);
    primariesUp = new Map(facts.up);
  },
  applyChecks: (settings) => {
    declaredChecks = settings;
    checks = withRules();
  },
  applyRules: (added) => {
    addedRules = added;
    checks = withRules();
  },
  loopDelay: () => watch.take(),
  full: (domains) => {
    full = new Set(domains);
  },
  useLists: (zones) => {
    soundLists = new Set(zones);
  },
  explain: (request) => endpoint.explain(request),
  stop: async ({ grace }) => {
    await endpoint.stop(grace);
    directory.close();
    greylist.close();
    recipientMemory.close();
    watch.stop();
    allowedSenders.close();
    flush();
  },
});

function withRules(): CheckSettings {
  return { ...declaredChecks, access: [...addedRules, ...(declaredChecks.access ?? [])] };
}
