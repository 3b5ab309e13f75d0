/** A scanner of `.peers/` in a temporary folder: can be killed, frozen, and started again at the same place. */
import { spawn, type ChildProcess } from "node:child_process";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";
import { findUnpacked } from "./unpacked.ts";

interface ScannerPlan {
  readonly peer: string;
  readonly program: string;
  /** Writes what it needs below its folder; answers its arguments. */
  readonly prepare: (folder: string, root: string) => Promise<readonly string[]>;
  /** Whether it answers. */
  readonly isReady: () => Promise<boolean>;
}

/** Milliseconds. */
const START_DEADLINE = 60_000;

export class ScannerProcess implements AsyncDisposable {
  readonly #plan: ScannerPlan;
  readonly #folder: Awaited<ReturnType<typeof tempFolder>>;
  #args: readonly string[] = [];
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #output = "";
  readonly #atExit = (): void => this.#signalAll("SIGKILL");

  private constructor(plan: ScannerPlan, folder: Awaited<ReturnType<typeof tempFolder>>) {
    this.#plan = plan;
    this.#folder = folder;
    process.once("exit", this.#atExit);
  }

  static async start(plan: ScannerPlan): Promise<ScannerProcess> {
    const program = findUnpacked(plan.peer, plan.program);
    if (program === undefined) throw new Error(`${plan.program} is not in .peers/${plan.peer}`);
    const scanner = new ScannerProcess(plan, await tempFolder());
    try {
      scanner.#args = await plan.prepare(scanner.folder, program.root);
      await scanner.restart();
    } catch (error) {
      await scanner[Symbol.asyncDispose]();
      throw error;
    }
    return scanner;
  }

  get folder(): string {
    return this.#folder.path;
  }

  /** Milliseconds of CPU that it and its children have taken. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts it, also after a kill; resolves when it answers. */
  async restart(): Promise<void> {
    const { peer, program, isReady } = this.#plan;
    const found = findUnpacked(peer, program);
    if (found === undefined) throw new Error(`${program} vanished`);
    // A group of its own: rspamd has workers, and a signal is for all of them.
    const child = spawn(found.path, this.#args, {
      env: found.env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    this.#ended = new Promise((resolve) => void child.once("close", resolve));
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text) => (this.#output = (this.#output + String(text)).slice(-20_000)));
    await waitFor({ what: `${program} answers`, deadline: START_DEADLINE, every: 50 }, async () => {
      if (child.exitCode !== null) throw new Error(`${program} ended: ${this.#output}`);
      return isReady();
    });
  }

  async kill(): Promise<void> {
    this.#signalAll("SIGKILL");
    await this.#ended;
  }

  /** It keeps its sockets and says nothing. */
  freeze(): void {
    this.#signalAll("SIGSTOP");
  }

  thaw(): void {
    this.#signalAll("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.removeListener("exit", this.#atExit);
    await this.kill();
    await this.#folder[Symbol.asyncDispose]();
  }

  #signalAll(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined || this.#child?.exitCode !== null || this.#child.signalCode !== null) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It has ended by itself.
    }
  }
}
