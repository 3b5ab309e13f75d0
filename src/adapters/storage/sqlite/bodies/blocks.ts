/** Bytes of a block; most mails take two. */
const BLOCK = 4 * 1024;
/** Bytes that are requested from the allocator at a time. */
const SLAB = 64 * 1024;
/** If there are more blocks than this, all are released to the allocator once none is in use. */
const KEPT = 768;

/**
 * Memory for bodies, in blocks that are reused from mail to mail. New memory for each mail would cost page faults and,
 * every few megabytes, a garbage collection.
 */
export class Blocks {
  readonly #most: number;
  readonly #free: Buffer[] = [];
  #made = 0;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#most = Math.floor(limit / BLOCK);
  }

  /** Returns whether this number of blocks can be taken. */
  has(blocks: number): boolean {
    return this.#free.length + this.#most - this.#made >= blocks;
  }

  /** Takes a block, which may contain old data. */
  take(): Buffer {
    if (this.#free.length === 0) this.#makeSlab();
    return this.#free.pop() as Buffer;
  }

  give(blocks: readonly Buffer[]): void {
    this.#free.push(...blocks);
    if (this.#free.length < this.#made || this.#made <= KEPT) return;
    this.#free.length = 0;
    this.#made = 0;
  }

  #makeSlab(): void {
    const slab = Buffer.allocUnsafeSlow(SLAB);
    for (let at = 0; at < SLAB; at += BLOCK) this.#free.push(slab.subarray(at, at + BLOCK));
    this.#made += SLAB / BLOCK;
  }
}

/** Octets that are held in blocks. */
export class HeldOctets {
  readonly #memory: Blocks;
  #blocks: Buffer[] = [];
  #size = 0;

  constructor(memory: Blocks) {
    this.#memory = memory;
  }

  get size(): number {
    return this.#size;
  }

  /** Copies the chunk into blocks; returns false, and adds nothing, if the memory is full. */
  add(chunk: Buffer): boolean {
    const needed = Math.ceil((this.#size + chunk.length) / BLOCK) - this.#blocks.length;
    if (!this.#memory.has(needed)) return false;
    let from = 0;
    while (from < chunk.length) {
      const used = this.#size % BLOCK;
      if (used === 0) this.#blocks.push(this.#memory.take());
      const copied = chunk.copy(this.#blocks.at(-1) as Buffer, used, from);
      from += copied;
      this.#size += copied;
    }
    return true;
  }

  /** Returns views of the blocks, valid until `release`. */
  pieces(): readonly Buffer[] {
    const tail = this.#size % BLOCK;
    if (tail === 0) return this.#blocks;
    return this.#blocks.map((block, i) => (i === this.#blocks.length - 1 ? block.subarray(0, tail) : block));
  }

  /** Gives all blocks back. */
  release(): void {
    this.#memory.give(this.#blocks);
    this.#blocks = [];
    this.#size = 0;
  }
}
