/**
 * What every part of the daemon is built on: the journal, the storage and reader threads, the directory. The files of
 * this folder are the parts of `app.ts` in the main thread, except `check-process.ts`, which `store-check.ts` starts as
 * a process.
 */
import { alertFor, startAlerts } from "../adapters/alerts/alerts.ts";
import { JournalSink } from "../adapters/journal/journal.ts";
import { openDirectoryReader, openTraceWriter } from "../adapters/storage/sqlite/sqlite.ts";
import { openCertificates, type Certificates } from "../adapters/tls/tls.ts";
import type { Config } from "../config/config.ts";
import { startReader, startStorage, type CrewParts, type Reader, type Storage } from "../threads/crew.ts";
import type { DoubtedAges } from "./doubted-ages.ts";
import { tellFileLimit } from "./file-limit.ts";
import { clientTables, type ClientTables } from "../runtime/client-tables.ts";
import { systemClock, type Clock, type ClockOffset } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import { Schedule } from "../runtime/schedule.ts";
import { Directory, DirectoryEditor } from "../services/directory/directory.ts";
import { followStoreTrouble } from "./store-trouble.ts";
import { startStoreCheck } from "./store-check.ts";

export interface Foundation {
  readonly crew: CrewParts;
  readonly storage: Storage;
  /** Resolves when the storage thread has ended unexpectedly. */
  readonly storageEnded: Promise<void>;
  /** Returns what is wrong with the store, in words. */
  readonly storeTrouble: () => string | undefined;
  readonly reader: Reader;
  readonly directory: Directory;
  readonly editor: DirectoryEditor;
  readonly schedule: Schedule;
  readonly clients: ClientTables;
  readonly certificates: Certificates;
  readonly startedAt: number;
  /** Returns for how many ms from now on no mail expires because of its age. */
  readonly agesDoubted: () => number;
  /** Deletes trace that is too old or too much, in one bounded slice. */
  readonly trimTrace: (retention: Config["retention"]) => Promise<"again" | "done">;
}

interface Ground {
  readonly clockOffset: ClockOffset | undefined;
  readonly ages: DoubtedAges;
}

/** Builds the foundation; `stack` takes it down again. */
export async function layFoundation(
  config: Config,
  stack: AsyncDisposableStack,
  { clockOffset, ages }: Ground,
): Promise<Foundation> {
  const clock = systemClock(clockOffset);
  const sink = openJournal(config, clock, stack);
  ages.follow({ log: sink.log, subscribe: (listener) => sink.subscribe(listener) });
  tellFileLimit(config.smtp.limits.connections, sink.log);
  const certificates = await openCertificates(config.smtp.tls, { clock, log: sink.log, journal: sink });
  stack.defer(() => certificates.close());
  const crew: CrewParts = { sink, clock, clockOffset };
  const storeTrouble = followStoreTrouble(sink);
  const storage = await startStorage(config, crew);
  const storageEnded = watchStorage(storage, stack, sink.log);
  const trace = openTraceWriter(config.storage.folder, (file) =>
    sink.log.warn("the trace was damaged and has been started anew; no mail is affected", { file }),
  );
  stack.defer(async () => {
    await sink.flushTrace();
    trace.close();
  });
  sink.traceTo(trace);
  if (await storage.thread.control.call("unclean"))
    stack.defer(startStoreCheck(config.storage.folder, { clock, sink }));
  const reader = await startReader(config, storage, crew);
  stack.defer(() => reader.close());
  const directory = new Directory(openDirectoryReader(config.storage.folder));
  stack.defer(() => directory.close());
  const schedule = new Schedule({ clock, log: sink.log, random: Math.random });
  // Its jobs may use all of the above.
  stack.defer(() => schedule.stop());
  const editor = new DirectoryEditor(storage.control, directory);
  return {
    crew,
    storage,
    storageEnded,
    storeTrouble,
    reader,
    directory,
    editor,
    schedule,
    clients: clientTables(config.smtp.threads),
    certificates,
    startedAt: clock.now(),
    agesDoubted: () => ages.left(),
    trimTrace: async (retention) => {
      await trace.diskAnswers();
      return trace.trim(clock.now() - retention.trace, retention.traceSize) > 0 ? "again" : "done";
    },
  };
}

/** Resolves when it ends before `stack` takes it down. */
function watchStorage({ thread }: Storage, stack: AsyncDisposableStack, log: Logger): Promise<void> {
  let expected = false;
  stack.defer(async () => {
    expected = true;
    await thread.control.call("close");
    await thread.terminate();
  });
  return new Promise((resolve) => {
    void thread.ended.then((end) => {
      if (expected) return;
      const error = end.error?.stack ?? `exit code ${end.code}`;
      log.error("the storage thread has ended, so the daemon ends", { error });
      resolve();
    });
  });
}

function openJournal(config: Config, clock: Clock, stack: AsyncDisposableStack): JournalSink {
  const { level, file } = config.log;
  const sink = new JournalSink({ level, clock, ...(file !== undefined && { file }) });
  stack.defer(() => sink.stop());
  const alerts = startAlerts({ ...config.alerts, clock, log: sink.log });
  stack.defer(() => alerts.stop());
  sink.subscribe((event, at) => {
    const alert = alertFor(event, at);
    if (alert !== undefined) alerts.raise(alert);
  });
  return sink;
}
