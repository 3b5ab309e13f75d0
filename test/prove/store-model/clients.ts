/** A SQLite store and what other threads have of it: intakes, a delivery thread, memories, a reader, an operator. */
import type { MessagePort } from "node:worker_threads";
import {
  connectIntake,
  connectWork,
  openGreylist,
  openRecipientMemory,
} from "../../../src/adapters/storage/sqlite/sqlite.ts";
import type { MemoryMethods } from "../../../src/adapters/storage/sqlite/wire/wire.ts";
import type { Intake } from "../../../src/ports/intake.ts";
import type { WorkEvent } from "../../../src/ports/work-store.ts";
import { type Caller, openChannel } from "../../../src/runtime/channel.ts";
import { openSqliteStore, type SqliteStore } from "../../contract/sqlite-harness.ts";
import type { ManualClock } from "../../support/manual-clock.ts";
import type { FlakyDisk } from "../../unit/adapters/storage/sqlite/disk/flaky-disk.ts";

/** Bodies up to the first are rows, up to the second they share segments, which are left after the third; in bytes. */
export const SIZES = { rowLimit: 100, heldLimit: 1000, segmentSize: 2000 };
/** SMTP threads. */
const INTAKES = 2;

interface Line<T> {
  readonly port: MessagePort;
  readonly client: T;
}

interface Setting {
  readonly folder: string;
  readonly clock: ManualClock;
  readonly disk: FlakyDisk;
  readonly onEvent: (event: WorkEvent) => void;
}

export class Clients {
  readonly store: SqliteStore;
  /** The line over which threads note what they saw. */
  readonly notes: Caller<MemoryMethods>;
  readonly recipients: ReturnType<typeof openRecipientMemory>;
  readonly greylist: ReturnType<typeof openGreylist>;
  readonly #setting: Setting;
  readonly #intakes: Line<Intake>[];
  #work: Line<ReturnType<typeof connectWork>>;

  static async open(setting: Setting): Promise<Clients> {
    const { folder, clock, disk } = setting;
    return new Clients(await openSqliteStore({ folder, clock, disk }), setting);
  }

  private constructor(store: SqliteStore, setting: Setting) {
    this.store = store;
    this.#setting = setting;
    const { folder, clock } = setting;
    const { shared } = store.writer;
    this.#work = this.#connectWork();
    this.#intakes = Array.from({ length: INTAKES }, () => this.#connectIntake());
    this.notes = openChannel(store.port("memory"));
    this.recipients = openRecipientMemory({ folder, shared });
    this.greylist = openGreylist(store.port("memory"), { folder, clock });
  }

  get work(): ReturnType<typeof connectWork> {
    return this.#work.client;
  }

  intake(thread: number): Intake {
    return (this.#intakes[thread % INTAKES] as Line<Intake>).client;
  }

  /** The delivery thread dies, and another begins. */
  replaceDelivery(): void {
    this.#work.port.close();
    this.#work = this.#connectWork();
  }

  /** An SMTP thread dies, and another begins. */
  replaceIntake(thread: number): void {
    this.#intakes[thread % INTAKES]?.port.close();
    this.#intakes[thread % INTAKES] = this.#connectIntake();
  }

  async close(): Promise<void> {
    this.recipients.close();
    this.greylist.close();
    await this.store[Symbol.asyncDispose]();
  }

  #connectWork(): Line<ReturnType<typeof connectWork>> {
    const port = this.store.port("work");
    const client = connectWork(port, this.#setting);
    client.onEvent(this.#setting.onEvent);
    return { port, client };
  }

  #connectIntake(): Line<Intake> {
    const { folder, clock } = this.#setting;
    const port = this.store.port("intake");
    const { shared } = this.store.writer;
    return { port, client: connectIntake(port, { folder, clock, shared, bodyMemory: 1 << 20, ...SIZES }) };
  }
}
