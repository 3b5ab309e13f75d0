/** Which bits of a Bloom filter stand for a key. */
import { seededHash } from "./seeded-hash.ts";

/** Bits of one key. */
export const KEY_BITS = 4;

/** Two hashes make all the others. */
export type KeyHashes = readonly [first: number, step: number];

export function keyHashes(key: string): KeyHashes {
  return [seededHash(key, 1), seededHash(key, 2) | 1];
}

/** The `n`th bit, from 0 to KEY_BITS - 1, in a filter of so many bits. */
export function keyBit([first, step]: KeyHashes, n: number, bits: number): number {
  return ((first + n * step) >>> 0) % bits;
}
