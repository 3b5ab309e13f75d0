const LF = 0x0a;
const CR = 0x0d;
/** Octets that are allocated at first. */
const FIRST = 8 * 1024;

/** Bounds on a header section; mailauth's time grows with the square of the number of lines. */
interface HeaderBounds {
  readonly octets: number;
  readonly lines: number;
}

/** Collects a header section, including the empty line that ends it, from chunks of any length. */
export class HeaderBlock {
  readonly #bounds: HeaderBounds;
  #memory = Buffer.allocUnsafeSlow(FIRST);
  #length = 0;
  #lines = 0;
  /** Octets of the unfinished line, without CR. */
  #line = 0;

  constructor(bounds: HeaderBounds) {
    this.#bounds = bounds;
  }

  /** Copies the part of a chunk that belongs to the section. Returns its length, and the state of the section. */
  add(chunk: Buffer): { readonly taken: number; readonly state: "open" | "complete" | "too large" } {
    const end = this.#findEnd(chunk);
    const taken = end === -1 ? chunk.length : end;
    if (this.#length + taken > this.#bounds.octets || this.#lines > this.#bounds.lines)
      return { taken, state: "too large" };
    this.#keep(chunk.subarray(0, taken));
    return { taken, state: end === -1 ? "open" : "complete" };
  }

  octets(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }

  /** Returns where the body begins in this chunk; -1 if the empty line has not arrived. */
  #findEnd(chunk: Buffer): number {
    for (let at = 0; at < chunk.length; at++) {
      const octet = chunk[at];
      if (octet === LF) {
        if (this.#line === 0) return at + 1;
        this.#line = 0;
        this.#lines += 1;
      } else if (octet !== CR) this.#line += 1;
    }
    return -1;
  }

  #keep(part: Buffer): void {
    const needed = this.#length + part.length;
    if (needed > this.#memory.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#memory.length));
      this.#memory.copy(larger, 0, 0, this.#length);
      this.#memory = larger;
    }
    part.copy(this.#memory, this.#length);
    this.#length = needed;
  }
}
