const LF = 0x0a;
/** Longest line, in octets; mailauth's time grows with the square of it. RFC 5321 allows 1000. */
const LONGEST_LINE = 64 * 1024;
/** Small chunks are handed on together, up to so many octets. */
const BATCH = 32 * 1024;

/** Hands a body on in parts of its own memory, neither too small nor with lines that are too long. */
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

  /** Hands on what is left. */
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
