const LF = 0x0a;
/** Longest line, in octets; mailauth's time grows with the square of its length. RFC 5321 allows 1000. */
const LONGEST_LINE = 64 * 1024;
/** Small chunks are collected and passed on together, up to this number of octets. */
const BATCH = 32 * 1024;

/** Passes a body on in larger parts, each copied into memory of its own, and reports lines that are too long. */
export class BodyLines {
  readonly #take: (part: Buffer) => void;
  #pending: Buffer | undefined;
  #held = 0;
  /** Octets since the last line end. */
  #line = 0;

  constructor(take: (part: Buffer) => void) {
    this.#take = take;
  }

  add(chunk: Buffer): "ok" | "too long" {
    if (chunk.length === 0) return "ok";
    const first = chunk.indexOf(LF);
    this.#line += first === -1 ? chunk.length : first;
    if (this.#line > LONGEST_LINE) return "too long";
    if (first !== -1) this.#line = chunk.length - chunk.lastIndexOf(LF) - 1;
    if (this.#held + chunk.length > BATCH) this.end();
    if (chunk.length >= BATCH) this.#take(Buffer.from(chunk));
    else this.#hold(chunk);
    return "ok";
  }

  /** Passes on the octets that are still collected. */
  end(): void {
    if (this.#pending !== undefined && this.#held > 0) this.#take(this.#pending.subarray(0, this.#held));
    this.#pending = undefined;
    this.#held = 0;
  }

  #hold(chunk: Buffer): void {
    this.#pending ??= Buffer.allocUnsafeSlow(BATCH);
    chunk.copy(this.#pending, this.#held);
    this.#held += chunk.length;
  }
}
