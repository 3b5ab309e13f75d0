/**
 * CRC-32 of bodies: with which a body that comes from the disk is compared, so that nothing leaves which the disk has
 * changed. Finding accidents is all that it can do, and it costs a tenth of a cryptographic hash.
 */
import { crc32 } from "node:zlib";

/** Of a body that comes in pieces. */
export class Checksum {
  value = 0;

  add(piece: Uint8Array): void {
    this.value = crc32(piece, this.value);
  }
}

export function checksumOf(pieces: readonly Uint8Array[]): number {
  const checksum = new Checksum();
  for (const piece of pieces) checksum.add(piece);
  return checksum.value;
}
