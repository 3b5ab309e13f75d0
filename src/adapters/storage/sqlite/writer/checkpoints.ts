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
/** Beyond this many it happens even when jobs wait, by the writer alone: 16 MB. */
const WAL_PAGES_MOST = 4096;

const flush = promisify(fsync);

/**
 * Moves the WAL into the database while mail flows. A WAL begins anew only when all its pages were copied and none is
 * added, so the last step is the writer's, between two commits. What takes long comes before, beside the commits:
 * another thread copies what there is, the system flushes it. The writer is left with the few pages that came
 * meanwhile. Where nobody copies for it, it does all of it, preferably when no job waits.
 *
 * A flush that failed says nothing of what was copied before, and the next one that succeeds nothing either: the system
 * may have given the pages up. All of the WAL is copied again then, before it may begin anew.
 */
export class Checkpoints {
  /**
   * The database once more, to flush it. Never closed while the process runs: that would make the system drop the locks
   * that SQLite holds on the file.
   */
  readonly #descriptor: number;
  #checkpointer: Checkpointer | undefined;
  readonly #index: WalIndex;
  #step: "waiting" | "copying" | "copied" = "waiting";
  /** What was copied may not be on the disk. */
  #doubted = false;

  constructor(folder: string) {
    this.#descriptor = openSync(join(folder, QUEUE_FILE), "r");
    this.#index = new WalIndex(folder);
  }

  /** From now on this one copies, until it ends. */
  copyBy(checkpointer: Checkpointer): void {
    this.#checkpointer = checkpointer;
  }

  /**
   * Between two commits; `idle` when no job waits. False: the WAL is larger than it should be, as somebody reads who
   * began long ago, and nothing should be written that can wait. Throws what SQLite says.
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

  /** Moves the WAL; what is written next takes the blocks that it has. Throws what SQLite says. */
  inPlace(database: Database.Database): void {
    this.#move(() => checkpointInPlace(database));
  }

  /** Moves the WAL and empties its file, as far as readers let it. Throws what SQLite says. */
  fully(database: Database.Database): void {
    this.#move(() => checkpointFully(database));
  }

  /** The disk has failed at something. */
  doubt(): void {
    this.#doubted = true;
    try {
      this.#settle();
    } catch {
      // Tried again before anything is moved.
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

  /** False while what is in doubt cannot be copied again, because somebody is copying. */
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

  /** What fails here may fail for the writer, too, which then knows what to do: SQLite flushes once more. */
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
