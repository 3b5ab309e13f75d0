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

/** Methods that the reader thread serves. */
type ReaderMethods = Pick<QueueList, "list"> &
  Pick<QueueCounts, "counts" | "quarantined" | "parked"> &
  Pick<MailView, "show" | "export"> &
  Pick<Browser, "domains" | "domain" | "recipients" | "refusing"> &
  Pick<TraceLookup, "trace"> & {
    kept(domains: readonly string[]): readonly Kept[];
    allowedSenders(): readonly AllowedSender[];
  };

/** Everything that people read from the store, answered by the reader thread. */
interface StoreReader extends QueueReader, DirectoryBrowser, TraceStore, AllowedSenderReader {
  /**
   * From now on sends reads over this port. Before that, and while the reader thread is gone, they reject with
   * ChannelClosed.
   */
  connect(port: MessagePort): void;
}

/** Serves reads over one port on a read-only connection. The result's `close` stops it. */
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

/** Returns the main thread's side, not yet connected. It outlives the reader thread. */
export function readerClient(): StoreReader {
  let channel: Caller<ReaderMethods> | undefined;
  const call: Caller<ReaderMethods>["call"] = (name, ...argument) =>
    channel?.call(name, ...argument) ?? Promise.reject(new ChannelClosed());
  return {
    connect: (port) => {
      // The old port may still be open: if the system refuses further threads, its reader thread never started.
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
      // The body may have moved from a file to a row before the file was opened. A row never moves.
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
