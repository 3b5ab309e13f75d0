/**
 * The threads of the daemon: how each is started, which settings it gets, and how it is reached. The entry point of
 * each thread is its `*-thread.ts`. Only this file starts these entry points, and each builds just what its thread
 * needs.
 */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { JournalSink } from "../adapters/journal/journal.ts";
import { connectControl, readerClient, type Role } from "../adapters/storage/sqlite/sqlite.ts";
import type { Config } from "../config/config.ts";
import type { DeliveryControl, DeliveryThreadData } from "./delivery-thread.ts";
import type { ReaderControl, ReaderThreadData } from "./reader-thread.ts";
import type { SmtpSettings } from "../endpoints/smtp/smtp.ts";
import type { AccessRule } from "../ports/checks.ts";
import { Moved } from "../runtime/channel.ts";
import { freeLocks, type ClientTables } from "../runtime/client-tables.ts";
import type { Clock, ClockOffset } from "../runtime/clock.ts";
import { SupervisedThread } from "../runtime/supervised-thread.ts";
import { startThread, type Thread, type ThreadData, type ThreadPlan } from "../runtime/threads.ts";
import { deliverySettings, smtpSettings } from "./settings.ts";
import type { SmtpControl, SmtpThreadData } from "./smtp-thread.ts";
import { followStorage, tellSilence } from "./silence.ts";
import type { StorageControl, StorageThreadData } from "./storage-thread.ts";

/** Megabytes of nursery for an SMTP thread: connections outlive collections, and each collection moves all of them. */
const DOOR = 4;
/** The same for a thread that passes mail on. */
const BUSY = 2;
/** The same for a thread that is only asked now and then. */
const SELDOM = 1;

/** For threads that load the mail libraries. */
const LEAN_HTTP = new URL("./lean-http.ts", import.meta.url);

/** Milliseconds until a thread that only opens things must be ready; on a busy machine this takes a few seconds. */
const TO_OPEN = 60_000;
/** The same for the storage thread, which may have to upgrade a large database, or repair it after a crash. */
const TO_MEND = 15 * 60_000;

/** What every thread needs at its start. */
export interface CrewParts {
  readonly sink: JournalSink;
  readonly clock: Clock;
  readonly clockOffset: ClockOffset | undefined;
}

/** The storage thread, and a way to open new channels to it. */
export interface Storage {
  readonly thread: Thread<StorageControl>;
  readonly shared: SharedArrayBuffer;
  readonly control: ReturnType<typeof connectControl>;
  connect(role: Role): MessagePort;
}

export async function startStorage(config: Config, parts: CrewParts): Promise<Storage> {
  const journal = journalLine(parts.sink);
  const value: StorageThreadData = {
    folder: config.storage.folder,
    reserve: config.store.reserve,
    journal,
    clockOffset: parts.clockOffset,
  };
  const opening = plan("storage", "./storage-thread.ts", () => ({ value, moved: [journal] }));
  const slow = parts.clock.after(TO_OPEN, () =>
    parts.sink.log.warn("the storage thread is not ready yet", { folder: config.storage.folder }),
  );
  const starting = startThread<StorageControl>({ ...opening, patience: TO_MEND }, parts.clock);
  const thread = await starting.finally(() => slow.cancel());
  const connect = (role: Role): MessagePort => {
    const { port1, port2 } = new MessageChannel();
    // If the storage thread has ended, the user of the channel learns it there.
    thread.control.call("connect", new Moved({ role, port: port1 }, [port1])).catch(() => undefined);
    return port2;
  };
  const shared = await thread.control.call("shared");
  followStorage(thread, { ...parts, shared });
  return { thread, shared, control: connectControl(connect("control")), connect };
}

/** The reader thread, which may be busy with one question for minutes. Its client outlives restarts of the thread. */
export interface Reader {
  readonly client: ReturnType<typeof readerClient>;
  close(): Promise<void>;
}

export async function startReader(
  config: Config,
  { thread: writer }: Storage,
  { clock, sink }: CrewParts,
): Promise<Reader> {
  const client = readerClient();
  const data = (): ThreadData => {
    const { port1, port2 } = new MessageChannel();
    client.connect(port2);
    const checkpoints = new MessageChannel();
    // If the storage thread has ended, the whole process ends.
    writer.control.call("copyBy", new Moved(checkpoints.port2, [checkpoints.port2])).catch(() => undefined);
    const value: ReaderThreadData = {
      folder: config.storage.folder,
      port: port1,
      checkpoints: checkpoints.port1,
    };
    return { value, moved: [port1, checkpoints.port1] };
  };
  const thread = new SupervisedThread<ReaderControl>({
    plan: plan("reader", "./reader-thread.ts", data, SELDOM),
    clock,
    log: sink.log,
  });
  await thread.started;
  return { client, close: () => thread.end("close") };
}

export type DeliveryThread = SupervisedThread<DeliveryControl>;

/** `agesDoubted` returns for how many ms no mail expires because of its age. */
export function startDeliveryThread(
  config: () => Config,
  storage: Storage,
  parts: CrewParts & { readonly agesDoubted: () => number },
): DeliveryThread {
  const data = (): ThreadData => {
    const work = storage.connect("work");
    const memory = storage.connect("memory");
    const journal = journalLine(parts.sink);
    const value: DeliveryThreadData = {
      settings: deliverySettings(config()),
      dnsServers: config().dns.servers,
      connectTimeout: config().delivery.connectTimeout,
      agesDoubted: parts.agesDoubted(),
      folder: config().storage.folder,
      shared: storage.shared,
      work,
      memory,
      journal,
      clockOffset: parts.clockOffset,
    };
    return { value, moved: [work, memory, journal] };
  };
  return new SupervisedThread<DeliveryControl>({
    plan: { ...plan("delivery", "./delivery-thread.ts", data), before: LEAN_HTTP },
    clock: parts.clock,
    log: parts.sink.log,
    silent: () => tellSilence(parts.sink, "delivery"),
  });
}

export type SmtpThread = SupervisedThread<SmtpControl>;

interface SmtpCrewParts extends CrewParts {
  readonly config: () => Config;
  readonly tls: () => SmtpSettings["tls"];
  /** Zones of the blocklists that passed their test. */
  readonly soundLists: () => readonly string[];
  /** Access rules that operators added. */
  readonly rules: () => readonly AccessRule[];
  readonly clients: ClientTables;
  readonly storage: Storage;
  /** Opens a channel to what is known about primaries, for one life of one thread. */
  readonly connectPrimaries: () => MessagePort;
}

/** Starts all SMTP threads; each listens on every address. */
export function startSmtpThreads(parts: SmtpCrewParts): readonly SmtpThread[] {
  const count = parts.config().smtp.threads;
  return Array.from({ length: count }, (_, n) => startSmtpThread(parts, n));
}

function startSmtpThread(parts: SmtpCrewParts, thread: number): SmtpThread {
  const data = (): ThreadData => {
    const intake = parts.storage.connect("intake");
    const primaries = parts.connectPrimaries();
    const memory = parts.storage.connect("memory");
    const journal = journalLine(parts.sink);
    const { threads, limits } = parts.config().smtp;
    const value: SmtpThreadData = {
      settings: smtpSettings(parts.config(), parts.tls()),
      bodyMemory: Math.floor(limits.bodyMemory / threads),
      checks: parts.config().checks,
      soundLists: parts.soundLists(),
      rules: parts.rules(),
      dnsServers: parts.config().dns.servers,
      folder: parts.config().storage.folder,
      shared: parts.storage.shared,
      clients: parts.clients,
      thread,
      intake,
      primaries,
      memory,
      journal,
      clockOffset: parts.clockOffset,
    };
    return { value, moved: [intake, primaries, memory, journal] };
  };
  const name = `smtp-${thread + 1}`;
  return new SupervisedThread<SmtpControl>({
    plan: { ...plan(name, "./smtp-thread.ts", data, DOOR), before: LEAN_HTTP },
    clock: parts.clock,
    log: parts.sink.log,
    silent: () => tellSilence(parts.sink, name),
    clear: () => freeLocks(parts.clients, thread),
  });
}

function plan(name: string, file: string, data: () => ThreadData, nursery = BUSY): ThreadPlan {
  return { name, entry: new URL(file, import.meta.url), nursery, data, patience: TO_OPEN };
}

/** Opens a channel to the journal's sink, for one life of one thread. */
function journalLine(sink: JournalSink): MessagePort {
  const { port1, port2 } = new MessageChannel();
  sink.connect(port1);
  return port2;
}
