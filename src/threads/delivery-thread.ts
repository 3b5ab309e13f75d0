/** The delivery thread: knows the state of each primary and delivers mail. */
import type { MessagePort } from "node:worker_threads";
import { dnsResolver } from "../adapters/dns/dns.ts";
import { journalTo } from "../adapters/journal/remote.ts";
import { dsnComposer, smtpClient } from "../adapters/smtp-client/smtp-client.ts";
import { connectWork, openDirectoryReader, openRecipientNotes } from "../adapters/storage/sqlite/sqlite.ts";
import { systemClock, type ClockOffset } from "../runtime/clock.ts";
import { idSource } from "../runtime/ids.ts";
import { Schedule } from "../runtime/schedule.ts";
import { serveControl, threadData } from "../runtime/threads.ts";
import { startDelivery, type Delivery, type DeliverySettings } from "../services/delivery/delivery.ts";
import { Directory } from "../services/directory/directory.ts";

export interface DeliveryThreadData {
  readonly settings: DeliverySettings;
  readonly dnsServers: readonly string[];
  /** Timeout for a TCP connection to a primary, in ms. */
  readonly connectTimeout: number;
  /** For how many ms after this start of the thread no mail expires because of its age. */
  readonly agesDoubted: number;
  readonly folder: string;
  readonly shared: SharedArrayBuffer;
  readonly work: MessagePort;
  /** Channel to the store's memory of recipients. */
  readonly memory: MessagePort;
  readonly journal: MessagePort;
  readonly clockOffset: ClockOffset | undefined;
}

/** The jobs run within this thread; the main thread calls everything else. */
export type DeliveryControl = Omit<Delivery, "jobs">;

const data = threadData<DeliveryThreadData>();
const clock = systemClock(data.clockOffset);
const { journal, log, flush } = journalTo(data.journal, clock);
const directory = new Directory(openDirectoryReader(data.folder));
const store = connectWork(data.work, { folder: data.folder });
const notes = openRecipientNotes(data.memory, { folder: data.folder, shared: data.shared, clock, log });
const delivery = startDelivery({
  store,
  directory,
  client: smtpClient({
    hostname: data.settings.hostname,
    connect: data.connectTimeout,
    clock,
    environment: process.env,
  }),
  notes,
  resolver: dnsResolver({ servers: data.dnsServers, clock }),
  journal,
  log,
  clock,
  random: Math.random,
  settings: data.settings,
  agesDoubted: data.agesDoubted,
  dsn: { store, composer: dsnComposer, nextId: idSource(() => clock.now()) },
  domains: async () => directory.names(directory.generation()),
});
const schedule = new Schedule({ clock, log, random: Math.random });
for (const job of delivery.jobs) schedule.add(job);

serveControl<DeliveryControl>({
  apply: (settings) => delivery.apply(settings),
  status: () => delivery.status(),
  directoryChanged: (domains) => {
    directory.refresh();
    delivery.directoryChanged(domains);
  },
  flush: (domains) => delivery.flush(domains),
  resume: (domain) => delivery.resume(domain),
  ask: (question) => delivery.ask(question),
  rehearse: (request) => delivery.rehearse(request),
  stop: async () => {
    await schedule.stop();
    await delivery.stop();
    directory.close();
    notes.close();
    flush();
  },
});
