/**
 * Buffers that were thrown away. V8 collects young objects when the objects fill its nursery, in which a buffer of
 * 64 KiB counts as a few words: a stream of large bodies leaves some 30 MB of dead buffers before it looks. So it is
 * told to look, where the process was started with `gc` (lean-memory.js).
 */

/** Octets between two looks; one takes about a millisecond. */
const MOST = 2 * 1024 * 1024;

let octets = 0;

/** A buffer was made that will soon be of no use. */
export function madeBuffer(size: number): void {
  octets += size;
  if (octets < MOST) return;
  octets = 0;
  globalThis.gc?.({ type: "minor" });
}
