/**
 * Recurring jobs: each has a name and runs in bounded slices, on the injected clock. A job never overlaps itself; one
 * that fails is logged and runs again at its next turn.
 */
import type { Clock, Timer } from "./clock.ts";
import { jittered } from "./jitter.ts";
import { errorText, type Logger } from "./log.ts";

export interface Job {
  readonly name: string;
  /** Milliseconds between the end of one run and the start of the next, +-10 %. */
  readonly every: number;
  /** One bounded slice of work. `again` asks for the next slice at once. */
  run(): Promise<"done" | "again" | void> | "done" | "again" | void;
}

interface ScheduleParts {
  readonly clock: Clock;
  readonly log: Logger;
  /** Returns 0 to 1, for the jitter. */
  readonly random: () => number;
}

export class Schedule {
  readonly #parts: ScheduleParts;
  readonly #timers = new Map<string, Timer>();
  /** By job name: the slice in progress, or the last one. */
  readonly #slices = new Map<string, Promise<void>>();
  #stopped = false;

  constructor(parts: ScheduleParts) {
    this.#parts = parts;
  }

  add(job: Job): void {
    this.#plan(job, jittered(job.every, this.#parts.random));
  }

  /** Schedules nothing more and waits for the slices in progress. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    await Promise.all(this.#slices.values());
  }

  #plan(job: Job, delay: number): void {
    if (this.#stopped) return;
    this.#timers.set(
      job.name,
      this.#parts.clock.after(delay, () => void this.#slices.set(job.name, this.#runSlice(job))),
    );
  }

  async #runSlice(job: Job): Promise<void> {
    let result: "done" | "again" | void = "done";
    try {
      result = await job.run();
    } catch (error) {
      this.#parts.log.error("job failed", { job: job.name, error: errorText(error) });
    }
    this.#plan(job, result === "again" ? 1 : jittered(job.every, this.#parts.random));
  }
}
