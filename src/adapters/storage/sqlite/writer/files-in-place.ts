import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { QUEUE_FILE, WAL_FILE } from "../disk/connection.ts";
import { flushFolder } from "../disk/disk.ts";
import { FileReplaced, keptInPlace } from "../disk/in-place.ts";
import { checkpointPatiently } from "../disk/wal.ts";
import type { RefusedMails } from "./refused-mails.ts";
import type { Store } from "./store.ts";

/**
 * Sees to it that the database and the WAL that are written are those in the folder. Others have no name any more, and
 * are gone with the process.
 */
export class FilesInPlace {
  readonly #folder: string;
  readonly #refused: RefusedMails;
  readonly #requireDatabase: () => void;
  #requireWal: () => void;

  /** When the store has just been opened. */
  constructor(folder: string, refused: RefusedMails) {
    this.#folder = folder;
    this.#refused = refused;
    this.#requireDatabase = keptInPlace(join(folder, QUEUE_FILE));
    this.#requireWal = keptInPlace(this.#wal);
  }

  /** The database was opened anew, which may have made another WAL. */
  reopened(): void {
    this.#requireWal = keptInPlace(this.#wal);
  }

  /** Before a commit is answered; a WAL that took the place of ours is not noticed. Throws FileReplaced. */
  requireThere(store: Store): void {
    this.#requireDatabase();
    // Not by statSync: who asks for a file's times makes Linux write them with the next commit.
    if (existsSync(this.#wal)) return;
    this.#save(store);
    throw new FileReplaced(this.#wal);
  }

  /**
   * The same, and that the WAL is ours; the next commit takes 0.04 ms longer. Throws FileReplaced, or what the system
   * says where it does not tell.
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

  /** What was taken is moved into the database; the senders of what is not answered yet keep theirs. */
  #save(store: Store): void {
    this.#refused.add(store.accepting.inDoubt);
    try {
      checkpointPatiently(store.database);
      this.#setAside();
    } catch (cause) {
      // Nobody may take it for a sick disk, and open the database with a WAL that is not ours.
      throw new FileReplaced(this.#wal, { cause });
    }
  }

  /** The next start would put the pages of a WAL that is not ours over those of the database. */
  #setAside(): void {
    if (!existsSync(this.#wal)) return;
    renameSync(this.#wal, `${this.#wal}.replaced`);
    flushFolder(this.#folder);
  }

  get #wal(): string {
    return join(this.#folder, WAL_FILE);
  }
}
