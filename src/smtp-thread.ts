/** One SMTP thread: speaks with clients, judges, and hands whole mails to the storage thread. */
import { parentPort, type MessagePort } from "node:worker_threads";
import { mailAuthenticator } from "./adapters/authentication/authentication.ts";
import { journalTo } from "./adapters/journal/journal.ts";
import { connectIntake, openDirectoryReader, openGreylist } from "./adapters/storage/sqlite/sqlite.ts";
import { dnsBlocklists, dnsResolver } from "./adapters/dns/dns.ts";
import { clamd, rspamd } from "./adapters/scanners/scanners.ts";
import { startSmtp, type SmtpSettings } from "./endpoints/smtp/smtp.ts";
import type { PrimaryOffers } from "./ports/health.ts";
import type { PrimariesControl } from "./primaries-line.ts";
import { openChannel } from "./runtime/channel.ts";
import type { CheckSettings } from "./ports/checks.ts";
import { systemClock, type ClockOffset } from "./runtime/clock.ts";
import { idSource } from "./runtime/ids.ts";
import { serveControl, threadData } from "./runtime/threads.ts";
import { Directory } from "./services/directory/directory.ts";
import { Policy, scannerInspections } from "./services/policy/policy.ts";
import { Acceptor } from "./services/queue/queue.ts";
import { Recipients } from "./services/recipients/recipients.ts";

export interface SmtpThreadData {
  readonly settings: SmtpSettings;
  readonly checks: CheckSettings;
  /** Zones of the lists of clients that passed their test. */
  readonly soundLists: readonly string[];
  readonly dnsServers: readonly string[];
  readonly folder: string;
  readonly shared: SharedArrayBuffer;
  readonly limits: SharedArrayBuffer;
  readonly rates: SharedArrayBuffer;
  readonly known: SharedArrayBuffer;
  /** This thread's part of the memory for bodies, in bytes. */
  readonly bodyMemory: number;
  /** Which of the SMTP threads this is, from 0. */
  readonly thread: number;
  readonly intake: MessagePort;
  readonly primaries: MessagePort;
  /** To the store's memory of greylisting. */
  readonly memory: MessagePort;
  readonly journal: MessagePort;
  readonly clockOffset: ClockOffset | undefined;
}

export type SmtpControl = {
  /** Checks new settings without using them; rejects when they cannot work. */
  prepare(settings: SmtpSettings): void;
  /** Uses them for transactions that begin from here on. */
  apply(settings: SmtpSettings): void;
  /** What primaries can take, by domain. */
  learned(offers: readonly (readonly [string, PrimaryOffers])[]): void;
  applyChecks(checks: CheckSettings): void;
  /** Domains whose primaries are all away for long. */
  longAway(domains: readonly string[]): void;
  /** Domains that hold more than their quota. */
  full(domains: readonly string[]): void;
  /** The lists of clients that count from here on. */
  useLists(zones: readonly string[]): void;
  /** Listeners close at once; a DATA in progress has `grace` ms. */
  stop(request: { readonly grace: number }): Promise<void>;
};

const data = threadData<SmtpThreadData>();
const clock = systemClock(data.clockOffset);
const { journal, log, flush } = journalTo(data.journal, clock);
const { folder, shared, bodyMemory } = data;
const intake = connectIntake(data.intake, { folder, shared, bodyMemory, clock });
const directory = new Directory(openDirectoryReader(data.folder, data.shared));
const acceptor = new Acceptor({ intake, clock, journal, nextId: idSource(() => clock.now()) });
const primaries = openChannel<PrimariesControl>(data.primaries);
let checks = data.checks;
let soundLists: ReadonlySet<string> = new Set(data.soundLists);
const memory = openGreylist(data.memory, { folder, clock });
let longAway: ReadonlySet<string> = new Set();
let full: ReadonlySet<string> = new Set();
const dnsbl = {
  blocklists: dnsBlocklists({ servers: data.dnsServers, clock }),
  isSound: (zone: string) => soundLists.has(zone),
};
const resolver = dnsResolver({ servers: data.dnsServers, clock });
const inspections = scannerInspections({
  clamav: clamd({ clock, journal }),
  rspamd: rspamd({ clock, journal }),
  settings: () => checks,
  journal,
  clock,
});
const endpoint = await startSmtp({
  settings: data.settings,
  limits: data.limits,
  rates: data.rates,
  known: data.known,
  thread: data.thread,
  directory,
  policy: new Policy({
    recipients: new Recipients(directory),
    settings: () => checks,
    hostname: data.settings.hostname,
    resolver,
    authenticator: mailAuthenticator({ resolver, hostname: data.settings.hostname, log }),
    dnsbl,
    greylist: { memory, longAway: (domain) => longAway.has(domain) },
    isFull: (domain) => full.has(domain),
    inspections,
    clock,
    log,
  }),
  acceptor,
  journal,
  log,
  clock,
  flush: (domain) => void primaries.call("flush", domain).catch(() => undefined),
});

serveControl<SmtpControl>(
  {
    prepare: (settings) => endpoint.check(settings),
    apply: (settings) => endpoint.apply(settings),
    learned: (offers) => endpoint.learned(offers),
    applyChecks: (settings) => {
      checks = settings;
    },
    longAway: (domains) => {
      longAway = new Set(domains);
    },
    full: (domains) => {
      full = new Set(domains);
    },
    useLists: (zones) => {
      soundLists = new Set(zones);
    },
    stop: async ({ grace }) => {
      await endpoint.stop(grace);
      directory.close();
      memory.close();
      flush();
    },
  },
  parentPort,
);
