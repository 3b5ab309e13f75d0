/** Large bodies for tests, as the store gives them. */
import { Readable } from "node:stream";
import type { BodySource } from "../../src/ports/stored-body.ts";

/** Reads the pieces one after the other, each in as many reads as its size needs. */
export function bodySource(pieces: Iterable<Buffer> | Readable): BodySource {
  const stream = Readable.from(pieces);
  const waiting = stream.iterator() as AsyncIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);
  return {
    read: async (target) => {
      if (rest.length === 0) rest = ((await waiting.next()).value as Buffer | undefined) ?? rest;
      const size = rest.copy(target);
      rest = rest.subarray(size);
      return size;
    },
    close: async () => void stream.destroy(),
  };
}

/** All that is left of it. */
export async function readWhole(source: BodySource): Promise<Buffer> {
  const parts: Buffer[] = [];
  try {
    for (;;) {
      const part = Buffer.alloc(64 * 1024);
      const size = await source.read(part);
      if (size === 0) return Buffer.concat(parts);
      parts.push(part.subarray(0, size));
    }
  } finally {
    await source.close();
  }
}
