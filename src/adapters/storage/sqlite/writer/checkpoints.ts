import { fsync, openSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type Database from "better-sqlite3";
import type { Checkpointer } from "../disk/checkpointer.ts";
import { QUEUE_FILE } from "../disk/connection.ts";
import { checkpointFully, checkpointInPlace, pagesWaiting } from "../disk/wal.ts";
import { WalIndex } from "../disk/wal-index.ts";

/**
 * WAL pages (4 KiB each) beyond which the WAL is moved into the database: 4 MB. A larger WAL makes fewer and longer
 * pauses: at 16 MB the slowest hundredth of accepts took twice as long.
 */
const WAL_PAGES = 1024;
/** WAL pages beyond which the writer moves the WAL by itself, even if jobs wait: 16 MB. */
const WAL_PAGES_MOST = 4096;

const flush = promisify(fsync);

/**
 * Moves the WAL into the database while mail flows. A WAL begins anew only when all its pages are copied and none is
 * added, so the writer takes the last step, between two commits. The long part comes before, in parallel with commits:
 * another thread copies the present pages, and the system flushes them. The writer then copies the few pages that were
 * added meanwhile. Without a copying thread, the writer copies everything, preferably while no job waits.
 *
 * After a failed flush, the pages that were copied before may not be on the disk, and a later successful flush proves
 * nothing, because the system may have dropped the pages. The whole WAL is then copied again before it may begin anew.
 */
export class Checkpoints {
  /**
   * A second descriptor of the database, to flush it. Never closed while the process runs, because closing it would
   * drop SQLite's locks on the file.
   */
  readonly #descriptor: number;
  #checkpointer: Checkpointer | undefined;
  readonly #index: WalIndex;
  #step: "waiting" | "copying" | "copied" = "waiting";
  /** Pages that were copied may not be on the disk. */
  #doubted = false;

  constructor(folder: string) {
    this.#descriptor = openSync(join(folder, QUEUE_FILE), "r");
    this.#index = new WalIndex(folder);
  }

  /** Lets `checkpointer` copy from now on, until it ends. */
  copyBy(checkpointer: Checkpointer): void {
    this.#checkpointer = checkpointer;
  }

  /**
   * Call it between two commits; `idle` if no job waits. Returns false if the WAL is larger than it should be, because
   * a reader has been reading for long; nothing should then be written that can wait. Throws SQLite's error.
   */
  proceed(database: Database.Database, idle: boolean): boolean {
    const pages = pagesWaiting(database);
    if (this.#step === "copied" || pages > this.#mostPages(idle)) {
      if (this.#step === "copied") this.#step = "waiting";
      this.inPlace(database);
    } else if (this.#step === "waiting" && pages > WAL_PAGES && this.#checkpointer !== undefined)
      void this.#copy(this.#checkpointer);
    return pages <= WAL_PAGES_MOST;
  }

  /** Moves the WAL; the next commits reuse the blocks of its file. Throws SQLite's error. */
  inPlace(database: Database.Database): void {
    this.#move(() => checkpointInPlace(database));
  }

  /** Moves the WAL and truncates its file, unless readers prevent that. Throws SQLite's error. */
  fully(database: Database.Database): void {
    this.#move(() => checkpointFully(database));
  }

  /** Call it when the disk has failed at anything. */
  doubt(): void {
    this.#doubted = true;
    try {
      this.#settle();
    } catch {
      // `#move` tries again before it moves anything.
    }
  }

  #move(checkpoint: () => void): void {
    if (!this.#settle()) return;
    try {
      checkpoint();
    } catch (error) {
      this.doubt();
      throw error;
    }
  }

  /** Makes SQLite copy everything again if in doubt; returns false while the other thread's copying prevents that. */
  #settle(): boolean {
    if (!this.#doubted) return true;
    if (this.#step === "copying") return false;
    this.#index.forgetCopied();
    this.#doubted = false;
    return true;
  }

  #mostPages(idle: boolean): number {
    return idle && this.#checkpointer === undefined ? WAL_PAGES : WAL_PAGES_MOST;
  }

  /** Ignores errors: if the disk still fails, so does the writer's own checkpoint, and the writer handles that. */
  async #copy(checkpointer: Checkpointer): Promise<void> {
    this.#step = "copying";
    try {
      await checkpointer.copy();
      await flush(this.#descriptor);
    } catch {
      if (this.#checkpointer === checkpointer) this.#checkpointer = undefined;
      this.#doubted = true;
    }
    this.#step = "copied";
  }
}
