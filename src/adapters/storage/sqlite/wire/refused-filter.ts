/**
 * A Bloom filter in the shared state. For nearly every address that no primary has refused lately, it says so without a
 * query to SQLite. The storage thread adds addresses before their commit; all threads read. `false` is certain.
 *
 * The filter has two halves. Addresses are added to the newer half; `turn` empties the older half, which then is the
 * newer one. So an address stays for at least the time between two turns, and the table need not be read again.
 */
import { keyBit, KEY_BITS, keyHashes, type KeyHashes } from "../../../../runtime/bloom.ts";

/** Bits of a half: with 100,000 addresses, one in 80 other addresses is looked up needlessly. */
const BITS = 2 ** 20;
const WORDS = BITS / 32;

/** Size in the shared state in bytes; a multiple of 8, like everything there. */
export const FILTER_BYTES = 8 * (1 + WORDS);

export class RefusedFilter {
  /** The index of the newer half, then both halves. */
  readonly #cells: Int32Array;

  /** `at` is the filter's offset in the shared state, in bytes. */
  constructor(shared: SharedArrayBuffer, at: number) {
    this.#cells = new Int32Array(shared, at, FILTER_BYTES / 4);
  }

  add(key: string): void {
    const half = Atomics.load(this.#cells, 0);
    const hashes = keyHashes(key);
    for (let n = 0; n < KEY_BITS; n++) {
      const bit = keyBit(hashes, n, BITS);
      Atomics.or(this.#cells, wordOf(half, bit), 1 << (bit & 31));
    }
  }

  /** False means that the address was not added since the turn before the last. */
  mayHold(key: string): boolean {
    const hashes = keyHashes(key);
    return this.#holds(0, hashes) || this.#holds(1, hashes);
  }

  /** Empties the older half, which becomes the newer one. */
  turn(): void {
    const older = 1 - Atomics.load(this.#cells, 0);
    const begin = wordOf(older, 0);
    this.#cells.fill(0, begin, begin + WORDS);
    Atomics.store(this.#cells, 0, older);
  }

  #holds(half: number, hashes: KeyHashes): boolean {
    for (let n = 0; n < KEY_BITS; n++) {
      const bit = keyBit(hashes, n, BITS);
      if ((Atomics.load(this.#cells, wordOf(half, bit)) & (1 << (bit & 31))) === 0) return false;
    }
    return true;
  }
}

function wordOf(half: number, bit: number): number {
  return 1 + half * WORDS + (bit >>> 5);
}
