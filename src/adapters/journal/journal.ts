/**
 * The implementation of the journal: one call for each business event produces one log line, counters and a trace
 * entry.
 *
 * The sink lives on the main thread and owns the log file, the metrics and the trace buffer. Other threads have
 * a `journalTo`, which sends entries in batches over a MessagePort; they import the side door remote.ts, so that
 * they do not load the libraries of the sink. Listeners (alerts) get every event.
 *
 * Invariants: recording never throws and never waits; log lines are JSON, one a line, with no control characters
 * and no bidirectional overrides in any value, and never a body; every buffer is bounded, and what is dropped
 * is counted; labels of metrics have bounded sets of values; `stop` writes everything that was recorded before.
 */
import type { MessagePort } from "node:worker_threads";
import type { Journal, JournalEvent } from "../../ports/journal.ts";
import type { TraceWriter } from "../../ports/trace.ts";
import type { Clock } from "../../runtime/clock.ts";
import { loggerTo, type Logger, type LogLevel } from "../../runtime/log.ts";
import { openLogFile, type LogFile } from "./log-file.ts";
import { levelOf, membersOf, membersOfFields } from "./log-lines.ts";
import { Metrics, type Gauges } from "./metrics.ts";
import type { Entry } from "./remote.ts";
import { TraceBuffer } from "./trace-buffer.ts";

export type { Gauges } from "./metrics.ts";
export { traceLine } from "./trace-lines.ts";

type JournalListener = (event: JournalEvent, at: number) => void;

interface JournalOptions {
  /** Absolute path of the log file; absent: stdout. */
  readonly file?: string;
  readonly level: LogLevel;
  readonly clock: Clock;
}

export class JournalSink implements Journal {
  /** The log for messages of the main thread. */
  readonly log: Logger;
  readonly #clock: Clock;
  readonly #file: LogFile;
  readonly #trace: TraceBuffer;
  readonly #metrics = new Metrics();
  readonly #listeners: JournalListener[] = [];
  readonly #ports = new Set<MessagePort>();

  /** Throws CannotWriteLog if the file cannot be opened. */
  constructor({ file, level, clock }: JournalOptions) {
    this.#clock = clock;
    const kept = (why: string): void => this.log.error("log.notReopened", { file, why });
    this.#file = openLogFile({ level, kept, ...(file !== undefined && { file }) });
    this.#trace = new TraceBuffer(clock);
    this.log = loggerTo((line, message, fields) => {
      if (this.#file.wants(line)) this.#file.write(line, clock.now(), message, membersOfFields(fields));
    });
  }

  record(event: JournalEvent): void {
    this.#record(event, this.#clock.now());
  }

  /** Receives the entries of another thread's `journalTo`. */
  connect(port: MessagePort): void {
    this.#ports.add(port);
    port.on("message", (entries: readonly Entry[]) => entries.forEach((entry) => this.#take(entry)));
    port.on("close", () => void this.#ports.delete(port));
    port.unref();
  }

  subscribe(listener: JournalListener): void {
    this.#listeners.push(listener);
  }

  /** Sets the writer of the trace; earlier events are kept until then. */
  traceTo(writer: TraceWriter): void {
    this.#trace.writeTo(writer);
  }

  /** Writes buffered trace entries, so that a reader finds them; resolves when that is done. */
  flushTrace(): Promise<void> {
    return this.#trace.flush();
  }

  /** Returns the Prometheus text format; `gauges` are the values that are not counted here. */
  metrics(gauges: Gauges): Promise<string> {
    return this.#metrics.text(gauges, { log: this.#file.dropped(), trace: this.#trace.dropped });
  }

  /** Reopens the log file after log rotation has renamed it. */
  reopen(): void {
    this.#file.reopen();
  }

  async stop(): Promise<void> {
    for (const port of this.#ports) port.close();
    await this.#trace.flush();
    this.#metrics.stop();
    await this.#file.close();
  }

  #take(entry: Entry): void {
    if ("event" in entry) return this.#record(entry.event, entry.at);
    const { level, at, message, members } = entry;
    if (this.#file.wants(level)) this.#file.write(level, at, message, members);
  }

  #record(event: JournalEvent, at: number): void {
    const level = levelOf(event);
    if (this.#file.wants(level)) this.#file.write(level, at, event.kind, membersOf(event));
    this.#metrics.count(event);
    this.#trace.add(event, at);
    for (const listener of this.#listeners) listener(event, at);
  }
}
