import { ownCopy } from "../../../../mail/own-copy.ts";

/**
 * Bytes below which a chunk is put together with others: memory of its own costs 500 bytes beside what it holds, and a
 * client may send its mail octet by octet.
 */
const SMALL = 512;
/** Bytes that small chunks are put together in. */
const BLOCK = 8 * 1024;

/** Copies of chunks, in their order, that cost little more memory than they have bytes. */
export class HeldChunks {
  #chunks: Buffer[] = [];
  /** Small chunks, not yet among the others. */
  #block: Buffer | undefined;
  #used = 0;

  get empty(): boolean {
    return this.#chunks.length === 0 && this.#block === undefined;
  }

  add(chunk: Buffer): void {
    if (chunk.length < SMALL) return this.#addSmall(chunk);
    this.#closeBlock();
    this.#chunks.push(ownCopy(chunk, 0));
  }

  /** Hands out all chunks, and holds none from here on. */
  take(): Buffer[] {
    this.#closeBlock();
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }

  #addSmall(chunk: Buffer): void {
    if (this.#used + chunk.length > BLOCK) this.#closeBlock();
    this.#block ??= Buffer.allocUnsafeSlow(BLOCK);
    this.#used += chunk.copy(this.#block, this.#used);
  }

  #closeBlock(): void {
    if (this.#block === undefined) return;
    const used = this.#block.subarray(0, this.#used);
    // A small window would keep all of the block alive.
    this.#chunks.push(this.#used < BLOCK / 2 ? ownCopy(used, 0) : used);
    this.#block = undefined;
    this.#used = 0;
  }
}
