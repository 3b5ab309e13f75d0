/**
 * Remembers networks whose clients behaved well once, for all threads of the process. It is one block of shared memory
 * of fixed size: rows with a keyed hash (64 bits) and the minute in which the network was last seen, in buckets of
 * four.
 *
 * Invariants: it never grows: in a full bucket, the network that was not seen for the longest time is replaced; there
 * is no lock. Two threads that write one row at the same time can lose a network or, very rarely, invent one; therefore
 * only decisions of little cost may depend on it.
 */
import { randomBytes } from "node:crypto";
import { seededHash } from "./seeded-hash.ts";

/** Layout, and the width of a row, in cells of 4 bytes. */
const SEED = 0;
const HEADER = 1;
const WIDTH = 3;
/** Rows in a bucket. */
const BUCKET = 4;
const DEFAULT_BUCKETS = 16_384;
const MINUTE = 60_000;

/** Makes the shared memory for `buckets` times four networks. */
export function knownClientsMemory(buckets = DEFAULT_BUCKETS): SharedArrayBuffer {
  const memory = new SharedArrayBuffer((HEADER + buckets * BUCKET * WIDTH) * 4);
  new Int32Array(memory)[SEED] = randomBytes(4).readInt32BE(0);
  return memory;
}

export class KnownClients {
  readonly #cells: Int32Array;
  readonly #buckets: number;
  /** Minutes after which a network is forgotten. */
  readonly #lifetime: number;

  /** `lifetime` in ms. */
  constructor(memory: SharedArrayBuffer, lifetime: number) {
    this.#cells = new Int32Array(memory);
    this.#buckets = (this.#cells.length - HEADER) / (BUCKET * WIDTH);
    this.#lifetime = lifetime / MINUTE;
  }

  /** Says whether the network was seen within the lifetime before `now` (ms). */
  knows(network: string, now: number): boolean {
    const { row, found } = this.#find(network);
    return found && now / MINUTE - this.#cell(row + 2) <= this.#lifetime;
  }

  /** Records that the network was seen at `now` (ms). */
  remember(network: string, now: number): void {
    const { row, high, low } = this.#find(network);
    this.#cells[row] = high;
    this.#cells[row + 1] = low;
    this.#cells[row + 2] = Math.floor(now / MINUTE);
  }

  /** Returns the row of the network, else the row of its bucket that was not seen for the longest time. */
  #find(network: string): { row: number; found: boolean; high: number; low: number } {
    const high = seededHash(network, this.#cell(SEED)) | 1;
    const low = seededHash(network, ~this.#cell(SEED));
    const first = HEADER + ((low >>> 0) % this.#buckets) * BUCKET * WIDTH;
    let oldest = first;
    for (let row = first; row < first + BUCKET * WIDTH; row += WIDTH) {
      if (this.#cell(row) === high && this.#cell(row + 1) === low) return { row, found: true, high, low };
      if (this.#cell(row + 2) < this.#cell(oldest + 2)) oldest = row;
    }
    return { row: oldest, found: false, high, low };
  }

  #cell(index: number): number {
    return this.#cells[index] ?? 0;
  }
}
