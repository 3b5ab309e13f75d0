/** Which bits of a Bloom filter stand for a key. */
import { seededHash } from "./seeded-hash.ts";

/** Number of bits that one key sets. */
export const KEY_BITS = 4;

/** All hashes of a key are computed from these two. */
export type KeyHashes = readonly [first: number, step: number];

export function keyHashes(key: string): KeyHashes {
  return [seededHash(key, 1), seededHash(key, 2) | 1];
}

/** Returns the position of the `n`th bit (0 to KEY_BITS - 1) in a filter of `bits` bits. */
export function keyBit([first, step]: KeyHashes, n: number, bits: number): number {
  return ((first + n * step) >>> 0) % bits;
}
