import { ownCopy } from "../../../mail/own-copy.ts";

/** A chunk that is a small window on a large buffer would keep all of it alive; it is copied instead. */
const WASTE_FACTOR = 2;
/**
 * Bytes below which a chunk is put together with others: memory of its own costs 500 bytes beside what it holds, and a
 * client may send its mail octet by octet.
 */
const SMALL = 512;
/** Chunks that are kept as they came: a mail has few as a rule. */
const FEW = 8;
/** Bytes that small chunks are put together in. */
const BLOCK = 8 * 1024;

/** Chunks of a body, in their order, that cost little more memory than they have bytes. */
export class HeldChunks {
  #chunks: Buffer[] = [];
  /** Small chunks, not yet among the others. */
  #block: Buffer | undefined;
  #used = 0;

  get empty(): boolean {
    return this.#chunks.length === 0 && this.#block === undefined;
  }

  add(chunk: Buffer): void {
    if (chunk.length < SMALL && this.#chunks.length >= FEW) return this.#addSmall(chunk);
    this.#closeBlock();
    this.#chunks.push(lean(chunk));
  }

  /** Hands out all chunks, and holds none from here on. */
  take(): Buffer[] {
    const chunks = this.look();
    this.#chunks = [];
    return chunks;
  }

  look(): Buffer[] {
    this.#closeBlock();
    return this.#chunks;
  }

  #addSmall(chunk: Buffer): void {
    if (this.#used + chunk.length > BLOCK) this.#closeBlock();
    this.#block ??= Buffer.allocUnsafeSlow(BLOCK);
    this.#used += chunk.copy(this.#block, this.#used);
  }

  #closeBlock(): void {
    if (this.#block === undefined) return;
    this.#chunks.push(lean(this.#block.subarray(0, this.#used)));
    this.#block = undefined;
    this.#used = 0;
  }
}

function lean(chunk: Buffer): Buffer {
  return chunk.buffer.byteLength > WASTE_FACTOR * chunk.length ? ownCopy(chunk, 0) : chunk;
}
