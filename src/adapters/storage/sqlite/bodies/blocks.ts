/** Bytes of a block; most mails take two. */
const BLOCK = 4 * 1024;
/** Bytes that are asked of the allocator at a time. */
const SLAB = 64 * 1024;
/** Blocks beyond which all go back to the allocator once none is in use. */
const KEPT = 768;

/**
 * Memory for bodies, in blocks that go from mail to mail. New memory for each mail would cost page faults and, every
 * few megabytes, a collection of garbage.
 */
export class Blocks {
  readonly #most: number;
  readonly #free: Buffer[] = [];
  #made = 0;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#most = Math.floor(limit / BLOCK);
  }

  /** Whether so many blocks can be taken. */
  has(blocks: number): boolean {
    return this.#free.length + this.#most - this.#made >= blocks;
  }

  /** Not cleared. */
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

/** Octets, copied into blocks. */
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

  /** False where the memory is full; nothing is added then. */
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

  /** In the blocks themselves: good until `release`. */
  pieces(): readonly Buffer[] {
    const tail = this.#size % BLOCK;
    if (tail === 0) return this.#blocks;
    return this.#blocks.map((block, i) => (i === this.#blocks.length - 1 ? block.subarray(0, tail) : block));
  }

  /** Holds nothing any more. */
  release(): void {
    this.#memory.give(this.#blocks);
    this.#blocks = [];
    this.#size = 0;
  }
}
