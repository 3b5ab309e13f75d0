/**
 * The journal of a thread that has no log file of its own: entries travel to the main thread in batches. A side door
 * of the room, because each thread that came through the door would load pino and prom-client with it.
 */
import type { MessagePort } from "node:worker_threads";
import type { Journal, JournalEvent } from "../../ports/journal.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { loggerTo, type Logger, type LogLevel } from "../../runtime/log.ts";
import { membersOfFields } from "./log-lines.ts";

/** Entries that are sent together at most. */
const BATCH = 200;
/** Milliseconds after which an entry is sent at the latest. */
const POST_EVERY = 5;

/** `at` is when it happened, on the thread where it happened. */
export type Entry =
  | { readonly at: number; readonly event: JournalEvent }
  /** `members`: its fields, as JSON without braces. */
  | { readonly at: number; readonly level: LogLevel; readonly message: string; readonly members: string };

interface RemoteJournal {
  readonly journal: Journal;
  readonly log: Logger;
  /** Sends what waits; the port stays open. */
  flush(): void;
}

/** The far end of `port` belongs to JournalSink.connect. */
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
    // An entry that cannot be cloned is a bug; it must not cost the others, nor stop the mail.
    if (entries.length > 1) for (const entry of entries) post(port, [entry]);
  }
}
