/** The real daemon inside this process, all its threads on a clock that the test moves. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startDaemon, type Daemon } from "../../src/app.ts";
import { formatProblem, loadConfig } from "../../src/config/config.ts";
import { clockOffset, moveClock, setClock } from "../../src/runtime/clock.ts";
import { AdminClient } from "./admin-client.ts";
import { writeConfig, type DaemonPlan } from "./daemon.ts";

interface Parts {
  readonly config: string;
  readonly log: string;
  readonly port: number;
  readonly daemon: Daemon;
  readonly offset: ReturnType<typeof clockOffset>;
}

export class ResidentDaemon extends AdminClient implements AsyncDisposable {
  /** Its configuration, which may be rewritten before a reload. */
  readonly config: string;
  readonly smtpPort: number;
  readonly #log: string;
  readonly #daemon: Daemon;
  readonly #offset: ReturnType<typeof clockOffset>;

  private constructor(socket: string, parts: Parts) {
    super(socket);
    this.config = parts.config;
    this.smtpPort = parts.port;
    this.#log = parts.log;
    this.#daemon = parts.daemon;
    this.#offset = parts.offset;
  }

  /** Resolves when it accepts mail. Its log goes to `holdfast.log` in the plan's folder. */
  static async start(plan: DaemonPlan): Promise<ResidentDaemon> {
    const log = join(plan.folder, "holdfast.log");
    const { file, ports } = await writeConfig({
      ...plan,
      settings: { log: { file: log }, ...plan.settings },
    });
    const loaded = loadConfig(file);
    if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
    const offset = clockOffset();
    const daemon = await startDaemon(loaded.config, offset);
    const parts = { config: file, log, port: ports.smtp, daemon, offset };
    return new ResidentDaemon(loaded.config.admin.socket, parts);
  }

  /** Resolves when it cannot go on by itself. */
  get broken(): Promise<void> {
    return this.#daemon.broken;
  }

  /** What it has logged. */
  output(): string {
    return readFileSync(this.#log, "utf8");
  }

  /** Lets so many milliseconds pass at once, for every thread. */
  pass(milliseconds: number): void {
    moveClock(this.#offset, milliseconds);
  }

  /** Sets the wall clock of every thread, as NTP or an operator would; no time passes. */
  setClock(milliseconds: number): void {
    setClock(this.#offset, milliseconds);
  }

  /** Milliseconds since 1970 by the clock of its threads. */
  now(): number {
    return Date.now() + this.#offset.reduce((sum, part) => sum + Number(part), 0);
  }

  /** Rejects when something of it did not end in order. */
  stop(): Promise<void> {
    return this.#daemon.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
