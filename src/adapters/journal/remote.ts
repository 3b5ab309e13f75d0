/**
 * The journal of a thread without a log file: it sends entries to the main thread in batches. This is a side door of
 * the room, because a thread that imported the door would also load pino and prom-client.
 */
import type { MessagePort } from "node:worker_threads";
import type { Journal, JournalEvent } from "../../ports/journal.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { loggerTo, type Logger, type LogLevel } from "../../runtime/log.ts";
import { membersOfFields } from "./log-lines.ts";

/** Most entries that are sent together. */
const BATCH = 200;
/** Longest time in ms that an entry waits to be sent. */
const POST_EVERY = 5;

/** `at` is the time of the event by the clock of its thread. */
export type Entry =
  | { readonly at: number; readonly event: JournalEvent }
  /** `members`: the fields of the line, as JSON without braces. */
  | { readonly at: number; readonly level: LogLevel; readonly message: string; readonly members: string };

interface RemoteJournal {
  readonly journal: Journal;
  readonly log: Logger;
  /** Sends waiting entries; the port stays open. */
  flush(): void;
}

/** Creates the journal of a thread. Pass the other end of `port` to JournalSink.connect. */
export function journalTo(port: MessagePort, clock: Clock): RemoteJournal {
  let batch: Entry[] = [];
  let timer: Timer | undefined;
  const flush = (): void => {
    timer?.cancel();
    timer = undefined;
    const entries = batch;
    batch = [];
    if (entries.length > 0) post(port, entries);
  };
  const add = (entry: Entry): void => {
    batch.push(entry);
    if (batch.length >= BATCH) flush();
    else timer ??= clock.after(POST_EVERY, flush);
  };
  return {
    journal: { record: (event) => add({ at: clock.now(), event }) },
    log: loggerTo((level, message, fields) =>
      add({ at: clock.now(), level, message, members: membersOfFields(fields) }),
    ),
    flush,
  };
}

function post(port: MessagePort, entries: readonly Entry[]): void {
  try {
    port.postMessage(entries);
  } catch {
    // An entry that cannot be cloned is a bug. The other entries are still sent, and mail goes on.
    if (entries.length > 1) for (const entry of entries) post(port, [entry]);
  }
}
