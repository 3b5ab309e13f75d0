/**
 * Tells of nearly every address that no primary has refused it lately, without asking SQLite: a Bloom filter in the
 * shared state. The storage thread adds, before the commit; every thread reads. `false` is certain.
 *
 * It has two halves. What is added goes into the newer one; `turn` empties the older one, which becomes the newer.
 * So an address stays for at least the time between two turns, and nobody has to read the table again.
 */
import { keyBit, KEY_BITS, keyHashes, type KeyHashes } from "../../../../runtime/bloom.ts";

/** Bits of a half: with 100,000 addresses one in 80 others is looked for in vain. */
const BITS = 2 ** 20;
const WORDS = BITS / 32;

/** Bytes that it takes in the shared state: a multiple of 8, as all of that is. */
export const FILTER_BYTES = 8 * (1 + WORDS);

export class RefusedFilter {
  /** Which half is the newer one, then the halves. */
  readonly #cells: Int32Array;

  /** `at`: where it begins in the shared state, in bytes. */
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

  /** False: the address is not among those that were added since the turn before the last. */
  mayHold(key: string): boolean {
    const hashes = keyHashes(key);
    return this.#holds(0, hashes) || this.#holds(1, hashes);
  }

  /** Forgets the older half. */
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
