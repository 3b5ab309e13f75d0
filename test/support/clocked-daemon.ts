/** The real daemon in a process of its own, which can be killed, on a clock that the test moves. */
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { ToClocked } from "./clocked-process.ts";
import { Daemon, type DaemonPlan } from "./daemon.ts";

export class ClockedDaemon implements AsyncDisposable {
  #process!: Daemon;
  #child: ChildProcess | undefined;
  #moved = 0;
  #set = 0;

  static async start(plan: DaemonPlan): Promise<ClockedDaemon> {
    const clocked = new ClockedDaemon();
    const started = (child: ChildProcess): void => {
      clocked.#child = child;
      clocked.#tellTime();
    };
    const script = join(import.meta.dirname, "clocked-process.ts");
    clocked.#process = await Daemon.start({ ...plan, host: { script, started } });
    return clocked;
  }

  get process(): Daemon {
    return this.#process;
  }

  /** Lets so many milliseconds pass at once, for every thread; while it is down, too. */
  pass(milliseconds: number): void {
    this.#moved += milliseconds;
    this.#tellTime();
  }

  /** Sets the wall clock of every thread, as NTP or an operator would; no time passes. */
  setClock(milliseconds: number): void {
    this.#set += milliseconds;
    this.#tellTime();
  }

  /** Ends the thread of this name. */
  endThread(name: string): void {
    this.#tell({ end: name });
  }

  /** Milliseconds since 1970 by the clock of its threads. */
  now(): number {
    return Date.now() + this.#moved + this.#set;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }

  #tellTime(): void {
    this.#tell({ clock: { moved: this.#moved, set: this.#set } });
  }

  /** Who has died meanwhile hears nothing, and needs nothing. */
  #tell(message: ToClocked): void {
    if (this.#child?.connected === true) this.#child.send(message, () => {});
  }
}
