/** A store, and beside it the model of the directory that it must hold. */
import { strict as assert } from "node:assert";
import { cpSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { openSqliteStore, type SqliteStore } from "../../contract/sqlite-harness.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { FlakyDisk } from "../../unit/adapters/storage/sqlite/disk/flaky-disk.ts";
import { DirectoryModel } from "./directory-model.ts";

export class DirectoryWorld {
  readonly clock = new ManualClock();
  readonly disk = new FlakyDisk();
  readonly model = new DirectoryModel(this.clock.now());
  readonly #home: string;
  #folders = 0;
  #store: SqliteStore | undefined;

  constructor(home: string) {
    this.#home = home;
  }

  get store(): SqliteStore {
    return this.#store ?? assert.fail("the store is not open");
  }

  get folder(): string {
    return join(this.#home, `data-${this.#folders}`);
  }

  async open(): Promise<void> {
    const { clock, disk, folder } = this;
    this.#store = await openSqliteStore({ clock, disk, folder });
  }

  close(): Promise<void> {
    return this.store[Symbol.asyncDispose]();
  }

  /** Opens the files as they are at this moment. */
  async crash(): Promise<void> {
    const { folder } = this;
    this.#folders += 1;
    cpSync(folder, this.folder, { recursive: true, filter: (file) => !file.endsWith("-shm") });
    await this.close();
    await rm(folder, { recursive: true });
    await this.open();
  }
}
