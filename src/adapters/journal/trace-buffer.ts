import type { JournalEvent } from "../../ports/journal.ts";
import { traceKeys, type Traced, type TracedEvent, type TraceWriter } from "../../ports/trace.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";

/** Number of events that are written without waiting for more. */
const BATCH = 500;
/** Longest time in ms that an event waits for more. */
const WRITE_EVERY = 100;
/** Most events that wait. While there is no writer, the oldest are dropped; while the disk hangs, the newest. */
const MAX_WAITING = 20_000;
/** Most refused clients traced in one second: strangers must not displace events about mail. */
const REFUSALS = 20;

type Keyed = readonly [traced: Traced, keys: readonly string[]];

/**
 * Passes events to the trace writer and lets it write 500 at a time, or after 100 ms. If the disk does not answer, the
 * events wait, so that this thread is not blocked and can report the problem.
 */
export class TraceBuffer {
  readonly #clock: Clock;
  #writer: TraceWriter | undefined;
  /** Events from before the writer was set. */
  #early: Keyed[] = [];
  /** Events that the writer has not written yet. */
  #taken = 0;
  #writing: Promise<void> | undefined;
  #timer: Timer | undefined;
  #second = 0;
  #refusals = 0;
  #dropped = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Sets the writer, and passes it the events collected so far. */
  writeTo(writer: TraceWriter): void {
    this.#writer = writer;
    const early = this.#early;
    this.#early = [];
    for (const keyed of early) this.#pass(writer, keyed);
    void this.flush();
  }

  add(event: JournalEvent, at: number): void {
    const keys = traceKeys(event);
    if (keys === undefined || (event.kind === "client.refused" && this.#tooMany(at))) return;
    const keyed: Keyed = [{ at, event: event as TracedEvent }, keys];
    if (this.#writer === undefined) this.#keepEarly(keyed);
    else this.#pass(this.#writer, keyed);
  }

  /** Writes waiting events as soon as the disk answers. */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#taken > 0) this.#writing ??= this.#write();
    return this.#writing ?? Promise.resolve();
  }

  async #write(): Promise<void> {
    await this.#writer?.diskAnswers();
    this.#writing = undefined;
    this.#dropped += this.#writer?.write() ?? 0;
    this.#taken = 0;
  }

  #pass(writer: TraceWriter, keyed: Keyed): void {
    if (this.#taken === MAX_WAITING) return void (this.#dropped += 1);
    writer.add(...keyed);
    this.#taken += 1;
    if (this.#taken >= BATCH) void this.flush();
    else this.#timer ??= this.#clock.after(WRITE_EVERY, () => void this.flush());
  }

  #keepEarly(keyed: Keyed): void {
    this.#early.push(keyed);
    if (this.#early.length <= MAX_WAITING) return;
    this.#early.shift();
    this.#dropped += 1;
  }

  #tooMany(at: number): boolean {
    const second = Math.floor(at / 1000);
    if (second !== this.#second) this.#refusals = 0;
    this.#second = second;
    this.#refusals += 1;
    return this.#refusals > REFUSALS;
  }
}
