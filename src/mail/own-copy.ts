const EMPTY = Buffer.alloc(0);

/** What stands from `from` on, in memory of its own: whoever has the rest of the chunk may move or overwrite it. */
export function ownCopy(chunk: Buffer, from: number): Buffer {
  if (from === chunk.length) return EMPTY;
  const copy = Buffer.allocUnsafeSlow(chunk.length - from);
  chunk.copy(copy, 0, from);
  return copy;
}
