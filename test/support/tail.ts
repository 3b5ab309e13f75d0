/** The end of a stream's text. Pieces are kept as they come and joined only when somebody asks. */
export class Tail {
  readonly #most: number;
  #pieces: Buffer[] = [];
  #bytes = 0;

  /** `most` octets are told. */
  constructor(most: number) {
    this.#most = most;
  }

  add(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    // Twice as many before the oldest go, so that a piece is moved once at most.
    if (this.#bytes > 2 * this.#most) this.#shorten();
  }

  text(): string {
    return Buffer.concat(this.#pieces).subarray(-this.#most).toString();
  }

  #shorten(): void {
    let first = 0;
    while (this.#bytes - (this.#pieces[first]?.length ?? 0) >= this.#most) {
      this.#bytes -= this.#pieces[first]?.length ?? 0;
      first += 1;
    }
    this.#pieces = this.#pieces.slice(first);
  }
}
