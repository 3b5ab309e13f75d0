/** How late the event loops of a daemon's SMTP threads were, as its metrics tell, beside a process that does nothing. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { AdminClient } from "./admin-client.ts";

export interface Lateness {
  /** Longest delay of an SMTP thread since it was asked before, in ms. */
  readonly daemon: number;
  /** The same of the idle process: a busy machine is late for everybody. */
  readonly idle: number;
}

export class LatenessWatch implements Disposable {
  readonly #daemon: AdminClient;
  readonly #child: ChildProcess = fork(join(import.meta.dirname, "idle-process.ts"), { stdio: "inherit" });

  constructor(daemon: AdminClient) {
    this.#daemon = daemon;
  }

  async take(): Promise<Lateness> {
    const text = await this.#daemon.metrics();
    const pattern = /^holdfast_event_loop_delay_seconds\{thread="smtp-\d+",quantile="1"\} (\S+)$/gm;
    const delays = [...text.matchAll(pattern)].map((match) => Number(match[1]) * 1000);
    if (delays.length === 0) throw new Error("no SMTP thread tells of its event loop");
    this.#child.send("take");
    const [idle] = (await once(this.#child, "message")) as [number];
    return { daemon: Math.round(Math.max(...delays)), idle: Math.round(idle) };
  }

  [Symbol.dispose](): void {
    this.#child.disconnect();
  }
}

/** Milliseconds that an event loop may keep others waiting, beyond what the machine does by itself. */
const MOST_DELAY = 100;

/** What was wrong with it; undefined: nothing. */
export function latenessFault({ daemon, idle }: Lateness): string | undefined {
  if (daemon < MOST_DELAY + idle) return undefined;
  return `an event loop was ${daemon} ms late, that of an idle process ${idle} ms`;
}
