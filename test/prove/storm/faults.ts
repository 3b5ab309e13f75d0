/** What befalls the machine: crashes, restarts, dying threads, a clock that jumps, a disk that fills. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { ClockedDaemon } from "../../support/clocked-daemon.ts";
import type { Random } from "../../support/random.ts";
import { fillUp } from "../../support/small-disk.ts";
import { pause } from "../../support/wait.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Milliseconds of a stop: the minute that conversations get passes at once. */
const STOP_WITHIN = 20_000;

interface FaultsPlan {
  readonly daemon: ClockedDaemon;
  readonly random: Random;
  /** The data folder, where it lies on a small disk of its own. */
  readonly disk: string | undefined;
  /** The daemon dies at times. */
  readonly mortal: boolean;
}

export class Faults {
  readonly #plan: FaultsPlan;
  readonly #kinds: Readonly<Record<string, () => Promise<void>>>;
  readonly counts: Record<string, number> = {};
  readonly complaints: string[] = [];
  /** The storage thread has ended, and the daemon is about to. */
  dying = false;
  #threadEnded = false;
  #set = 0;

  constructor(plan: FaultsPlan) {
    this.#plan = plan;
    const { daemon, random, disk, mortal } = plan;
    const deaths = { kill: () => this.#kill(), stop: () => this.#stop(), storage: () => this.#endStorage() };
    this.#kinds = {
      ...(mortal && deaths),
      ...(disk !== undefined && { disk: () => this.#fill(disk) }),
      minutes: async () => daemon.pass(MINUTE * (1 + random.below(10))),
      hours: async () => daemon.pass(HOUR * (1 + random.below(12))),
      clock: async () => this.#setClock(),
      delivery: async () => this.#endThread("delivery"),
      smtp: async () => this.#endThread("smtp-1"),
      reader: async () => this.#endThread("reader"),
    };
  }

  async strike(): Promise<void> {
    await this.revive();
    const kind = this.#plan.random.pick(Object.keys(this.#kinds));
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    await this.#kinds[kind]?.();
  }

  /** Starts it again where it has ended, as a service manager does: a thread that dies while it starts may end it. */
  async revive(): Promise<void> {
    const { process } = this.#plan.daemon;
    const ended = await Promise.race([process.ended, pause(0).then(() => "runs" as const)]);
    if (ended === "runs") return;
    if (!this.#threadEnded) this.complaints.push(`it ended by itself: ${process.output().slice(-1500)}`);
    await this.#restart();
  }

  /** Makes room again, whatever broke off. */
  end(): void {
    const { disk } = this.#plan;
    if (disk !== undefined) rmSync(join(disk, "filler"), { force: true });
  }

  async #restart(): Promise<void> {
    this.#threadEnded = false;
    // The configuration may be broken at this moment.
    for (let turn = 1; ; turn++) {
      const started = await this.#plan.daemon.process.restart("lives").catch((error: unknown) => error);
      if (typeof started === "number") return;
      if (turn === 5) throw started;
      await pause(200);
    }
  }

  async #kill(): Promise<void> {
    const { daemon, random } = this.#plan;
    await daemon.process.kill();
    if (random.below(3) === 0) daemon.pass(random.below(3 * HOUR));
    await this.#restart();
  }

  async #stop(): Promise<void> {
    const { daemon } = this.#plan;
    const begun = performance.now();
    const ended = daemon.process.stop();
    const hurry = setInterval(() => daemon.pass(MINUTE), 1000);
    const code = await ended;
    clearInterval(hurry);
    const took = performance.now() - begun;
    // A thread that died under it is no good order, and one that has not come up yet dies of the signal.
    const isWell = code === 0 || code === null || this.#threadEnded;
    if (!isWell || took > STOP_WITHIN) this.complaints.push(`a stop ended with ${code} after ${took} ms`);
    await this.#restart();
  }

  async #endStorage(): Promise<void> {
    this.dying = true;
    this.#plan.daemon.endThread("storage");
    await this.#plan.daemon.process.ended;
    this.dying = false;
    await this.#restart();
  }

  #endThread(name: string): void {
    this.#threadEnded = true;
    this.#plan.daemon.endThread(name);
  }

  /** Somewhere within two days of the right time. */
  #setClock(): void {
    const by = (this.#plan.random.below(4 * 24) - 2 * 24) * HOUR - this.#set;
    this.#set += by;
    this.#plan.daemon.setClock(by);
  }

  async #fill(disk: string): Promise<void> {
    const { random } = this.#plan;
    const filler = fillUp(disk, random.pick([0, 0, 6_000_000]));
    await pause(300 + random.below(1200));
    rmSync(filler, { force: true });
  }
}
