import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { QUEUE_FILE, WAL_FILE } from "../disk/connection.ts";
import { flushFolder } from "../disk/disk.ts";
import { FileReplaced, keptInPlace } from "../disk/in-place.ts";
import { checkpointPatiently } from "../disk/wal.ts";
import type { RefusedMails } from "./refused-mails.ts";
import type { Store } from "./store.ts";

/**
 * Makes sure that the open database and WAL are the files in the folder. A file without a name is lost when the process
 * ends.
 */
export class FilesInPlace {
  readonly #folder: string;
  readonly #refused: RefusedMails;
  readonly #requireDatabase: () => void;
  #requireWal: () => void;

  /** To be made when the store has just been opened. */
  constructor(folder: string, refused: RefusedMails) {
    this.#folder = folder;
    this.#refused = refused;
    this.#requireDatabase = keptInPlace(join(folder, QUEUE_FILE));
    this.#requireWal = keptInPlace(this.#wal);
  }

  /** Call it when the database was opened again, which may have created another WAL. */
  reopened(): void {
    this.#requireWal = keptInPlace(this.#wal);
  }

  /** Call it before a commit is answered. Does not notice a WAL that replaced ours. Throws FileReplaced. */
  requireThere(store: Store): void {
    this.#requireDatabase();
    // Not by statSync: reading a file's times makes Linux write them with the next commit.
    if (existsSync(this.#wal)) return;
    this.#save(store);
    throw new FileReplaced(this.#wal);
  }

  /**
   * Also checks that the WAL is ours; the next commit takes 0.04 ms longer. Throws FileReplaced, or the system's error
   * if the files cannot be checked.
   */
  requireOwn(store: Store): void {
    this.#requireDatabase();
    try {
      this.#requireWal();
    } catch (error) {
      if (error instanceof FileReplaced) this.#save(store);
      throw error;
    }
  }

  /** Moves accepted mail from the WAL into the database, and notes mail that is not answered yet as refused. */
  #save(store: Store): void {
    this.#refused.add(store.accepting.inDoubt);
    try {
      checkpointPatiently(store.database);
      this.#setAside();
    } catch (cause) {
      // Any other error would count as a sick disk, and the cure would open the database with a foreign WAL.
      throw new FileReplaced(this.#wal, { cause });
    }
  }

  /** Renames a foreign WAL: the next start would copy its pages over those of the database. */
  #setAside(): void {
    if (!existsSync(this.#wal)) return;
    renameSync(this.#wal, `${this.#wal}.replaced`);
    flushFolder(this.#folder);
  }

  get #wal(): string {
    return join(this.#folder, WAL_FILE);
  }
}
