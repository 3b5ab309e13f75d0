const EMPTY = Buffer.alloc(0);

/** Copies the octets from `from` on into new memory, because the owner of the chunk may overwrite it. */
export function ownCopy(chunk: Buffer, from: number): Buffer {
  if (from === chunk.length) return EMPTY;
  const copy = Buffer.allocUnsafeSlow(chunk.length - from);
  chunk.copy(copy, 0, from);
  return copy;
}
