import { fstatSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { WAL_INDEX_FILE } from "./connection.ts";

/** Position of the number of frames already in the database; https://sqlite.org/walformat.html, section 2.1. */
const COPIED_AT = 96;
const COPIED = Buffer.alloc(4);

/** The index of the WAL. All connections of this process share it; the next process creates it anew. */
export class WalIndex {
  readonly #file: string;
  /** Never closed while the process runs, because closing it would drop SQLite's locks on the file. */
  #descriptor: number | undefined;

  constructor(folder: string) {
    this.#file = join(folder, WAL_INDEX_FILE);
  }

  /**
   * Makes the next checkpoint copy the whole WAL, including pages that were copied before. No other thread may be
   * copying at this time; readers and writers are not disturbed. Throws the system's error.
   */
  forgetCopied(): void {
    const there = statSync(this.#file, { throwIfNoEntry: false });
    if (there === undefined || there.size < COPIED_AT + COPIED.length) return;
    const known = this.#descriptor === undefined ? undefined : fstatSync(this.#descriptor);
    if (known?.ino !== there.ino) this.#descriptor = openSync(this.#file, "r+");
    writeSync(this.#descriptor as number, COPIED, 0, COPIED.length, COPIED_AT);
  }
}
