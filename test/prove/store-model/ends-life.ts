/** One life of a store with its clients, from its opening to an end that may be hard. */
import { setImmediate as turn } from "node:timers/promises";
import type { MessagePort } from "node:worker_threads";
import { connectIntake, connectWork } from "../../../src/adapters/storage/sqlite/sqlite.ts";
import { makeSharedState } from "../../../src/adapters/storage/sqlite/wire/shared-state.ts";
import type { Accepted, Intake, NewMail } from "../../../src/ports/intake.ts";
import { openSqliteStore, type SqliteStore } from "../../contract/sqlite-harness.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { failAt, slowDown } from "../../unit/adapters/storage/sqlite/disk/file-faults.ts";
import { FlakyDisk } from "../../unit/adapters/storage/sqlite/disk/flaky-disk.ts";

/** Bytes of a segment; so small that many are begun, left and compacted. */
const SEGMENT = 200_000;
/** SMTP threads, and the bytes of bodies that each holds in memory. */
const INTAKES = 2;
const MEMORY = 1 << 19;
/** Bytes of a body that come together. */
const CHUNK = 16_384;

export class Life {
  readonly folder: string;
  readonly clock: ManualClock;
  readonly disk: FlakyDisk;
  readonly store: SqliteStore;
  /** What clients hear from here on is no word of the store any more. */
  over = false;
  readonly #ports: MessagePort[] = [];
  readonly #intakes: readonly Intake[];
  #work: ReturnType<typeof connectWork>;
  #workPort: MessagePort;
  readonly #underWay = new Set<Promise<void>>();
  readonly #wrong: string[] = [];
  readonly #cures: (() => void)[] = [];
  readonly #untilHealed = { after: (cure: unknown): void => void this.#cures.push(cure as () => void) };

  static async open(folder: string, start?: number): Promise<Life> {
    const clock = new ManualClock(start);
    const disk = new FlakyDisk();
    return new Life(await openSqliteStore({ folder, clock, disk }), disk);
  }

  private constructor(store: SqliteStore, disk: FlakyDisk) {
    const { folder, clock } = store;
    this.folder = folder;
    this.clock = clock;
    this.disk = disk;
    this.store = store;
    const bounds = { bodyMemory: MEMORY, segmentSize: SEGMENT };
    this.#intakes = Array.from({ length: INTAKES }, () => {
      const port = store.port("intake");
      this.#ports.push(port);
      // Always well: each mail is sent to the store, as by who looked just before the disk fell sick.
      return connectIntake(port, { folder, clock, shared: makeSharedState(), ...bounds });
    });
    this.#workPort = store.port("work");
    this.#work = connectWork(this.#workPort, { folder });
  }

  get work(): ReturnType<typeof connectWork> {
    return this.#work;
  }

  /** Does something that is not waited for, and may fail where the store does. */
  begin(act: () => Promise<void>): void {
    const done = act()
      .catch(() => undefined)
      .finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  /** In what is not waited for. */
  require(isSo: boolean, otherwise: string): void {
    if (!isSo) this.#wrong.push(otherwise);
  }

  /** What was begun is done; throws what was wrong with it. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    if (this.#wrong.length > 0) throw new Error(this.#wrong.join("; "));
  }

  /** From a sender who takes so many turns of the event loop for each chunk. */
  async accept(mail: NewMail, content: Buffer, pace: number): Promise<Accepted> {
    const intake = this.#intakes[pace % INTAKES] as Intake;
    const body = intake.openBody();
    try {
      for (let at = 0; at < content.length; at += CHUNK) {
        await body.write(content.subarray(at, at + CHUNK));
        for (let turns = pace; turns > 0; turns--) await turn();
      }
    } catch (error) {
      body.abort();
      throw error;
    }
    return intake.accept(mail, body);
  }

  async failFile(fault: Parameters<typeof failAt>[1]): Promise<void> {
    await failAt(this.#untilHealed, fault);
  }

  async slowDown(slow: Parameters<typeof slowDown>[1]): Promise<void> {
    await slowDown(this.#untilHealed, slow);
  }

  /** The disk takes again what it is given. */
  heal(): void {
    for (const cure of this.#cures.splice(0)) cure();
    this.disk.failCommit = undefined;
    this.disk.failAfterCommit = undefined;
  }

  /** Another delivery thread takes the place of this one. */
  replaceDelivery(): void {
    this.#workPort.close();
    this.#workPort = this.store.port("work");
    this.#work = connectWork(this.#workPort, { folder: this.folder });
  }

  /** The SMTP threads end. */
  endIntakes(): void {
    for (const port of this.#ports.splice(0)) port.close();
  }

  /** For its clients the storage thread has ended; what it does from here on comes to nothing. */
  async die(): Promise<void> {
    this.over = true;
    this.disk.failCommit = "EIO";
    this.endIntakes();
    this.#workPort.close();
    await this.settled();
  }

  async close(): Promise<void> {
    await this.store[Symbol.asyncDispose]();
    this.heal();
  }
}
