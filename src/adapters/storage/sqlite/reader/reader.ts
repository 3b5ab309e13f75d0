import type { Readable } from "node:stream";
import type { MessagePort } from "node:worker_threads";
import type { DirectoryBrowser } from "../../../../ports/directory.ts";
import type { Kept, QueueReader } from "../../../../ports/operator.ts";
import type { AllowedSender, AllowedSenderReader } from "../../../../ports/quarantine.ts";
import type { TraceStore } from "../../../../ports/trace.ts";
import { type Caller, ChannelClosed, openChannel, serveChannel } from "../../../../runtime/channel.ts";
import { readAllowedSenders } from "../directory/allowed-senders.ts";
import { openMailReader } from "../disk/connection.ts";
import { Browser } from "./directory-browser.ts";
import { streamOf } from "./exported-mail.ts";
import { MailView } from "./mail-view.ts";
import { QueueCounts } from "./queue-counts.ts";
import { QueueList } from "./queue-list.ts";
import { TraceLookup } from "../trace/trace-lookup.ts";

/** What the reader thread is asked: the methods of those who answer. */
type ReaderMethods = Pick<QueueList, "list"> &
  Pick<QueueCounts, "counts" | "quarantined" | "parked"> &
  Pick<MailView, "show" | "export"> &
  Pick<Browser, "domains" | "domain" | "recipients" | "refusing"> &
  Pick<TraceLookup, "trace"> & {
    kept(domains: readonly string[]): readonly Kept[];
    allowedSenders(): readonly AllowedSender[];
  };

/** All that is read for people, from the reader thread. */
interface StoreReader extends QueueReader, DirectoryBrowser, TraceStore, AllowedSenderReader {
  /** Asks the reader thread at the far end from here on. Before that, and while it is gone, reads reject with ChannelClosed. */
  connect(port: MessagePort): void;
}

/** Serves reads over one port on a connection that cannot write. Answers what ends it. */
export function serveReader(folder: string, port: MessagePort): { close(): void } {
  const database = openMailReader(folder);
  const list = new QueueList(database);
  const counts = new QueueCounts(database);
  const mail = new MailView(database, folder);
  const browser = new Browser(database);
  const trace = new TraceLookup(folder);
  const server = serveChannel<ReaderMethods>(port, {
    list: (request) => list.list(request),
    show: (id) => mail.show(id),
    counts: (domain) => counts.counts(domain),
    kept: (domains) => domains.map((domain) => counts.kept(domain)),
    quarantined: () => counts.quarantined(),
    parked: () => counts.parked(),
    export: (id) => mail.export(id),
    domains: () => browser.domains(),
    domain: (name) => browser.domain(name),
    recipients: (request) => browser.recipients(request),
    refusing: (domain) => browser.refusing(domain),
    trace: (request) => trace.trace(request),
    allowedSenders: () => readAllowedSenders(database),
  });
  port.once("close", () => {
    database.close();
    trace.close();
  });
  return { close: () => server.close() };
}

/** The main thread's side, which outlives the reader thread; not connected yet. */
export function readerClient(): StoreReader {
  let channel: Caller<ReaderMethods> | undefined;
  const call: Caller<ReaderMethods>["call"] = (name, ...argument) =>
    channel?.call(name, ...argument) ?? Promise.reject(new ChannelClosed());
  return {
    connect: (port) => {
      // At the far end there may never have been a thread, where the system allows no further one.
      channel?.close();
      channel = openChannel(port);
    },
    list: (request) => call("list", request),
    show: (id) => call("show", id),
    counts: (domain) => call("counts", domain),
    kept: (domains) => call("kept", domains),
    quarantined: () => call("quarantined"),
    parked: () => call("parked"),
    export: async (id, asItIs = false) => {
      const find = async (): Promise<Readable | undefined> => {
        const mail = await call("export", id);
        return mail && streamOf(mail, asItIs);
      };
      // A body may have become a row before its file was opened; a row stays one.
      return (await find()) ?? (await find());
    },
    domains: () => call("domains"),
    domain: (name) => call("domain", name),
    recipients: (request) => call("recipients", request),
    refusing: (domain) => call("refusing", domain),
    trace: (request) => call("trace", request),
    allowedSenders: () => call("allowedSenders"),
  };
}
