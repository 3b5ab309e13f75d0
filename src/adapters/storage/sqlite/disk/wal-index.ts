import { fstatSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { WAL_INDEX_FILE } from "./connection.ts";

/** Where the index says how many frames of the WAL are in the database; https://sqlite.org/walformat.html, section 2.1. */
const COPIED_AT = 96;
const COPIED = Buffer.alloc(4);

/** The index of the WAL, which all connections of this process share and the first of the next one makes anew. */
export class WalIndex {
  readonly #file: string;
  /** Never closed while the process runs: the system would drop the locks that SQLite holds on the file. */
  #descriptor: number | undefined;

  constructor(folder: string) {
    this.#file = join(folder, WAL_INDEX_FILE);
  }

  /**
   * The next checkpoint copies the whole WAL, what was copied before too. Nobody else may be copying; those who read or
   * write are not disturbed. Throws what the system says.
   */
  forgetCopied(): void {
    const there = statSync(this.#file, { throwIfNoEntry: false });
    if (there === undefined || there.size < COPIED_AT + COPIED.length) return;
    const known = this.#descriptor === undefined ? undefined : fstatSync(this.#descriptor);
    if (known?.ino !== there.ino) this.#descriptor = openSync(this.#file, "r+");
    writeSync(this.#descriptor as number, COPIED, 0, COPIED.length, COPIED_AT);
  }
}
