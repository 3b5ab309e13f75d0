/** Bytes that a character of a text takes at most as UTF-8. */
const MOST_BYTES = 3;

/**
 * Text that waits to be written, as UTF-8 outside of V8's heap: strings would be copied by each collection of young
 * objects. The memory is used again and again, because V8 counts it, and collects its whole heap when much was taken.
 */
export class WaitingText {
  readonly #room: number;
  #bytes: Buffer;
  #end = 0;

  /** `room`: bytes that it keeps; for more it grows until it is cleared. */
  constructor(room: number) {
    this.#room = room;
    this.#bytes = Buffer.allocUnsafeSlow(room);
  }

  /** Bytes that wait. */
  get length(): number {
    return this.#end;
  }

  /** What waits; until the next text comes. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#end);
  }

  add(text: string): void {
    this.#need(this.#end + MOST_BYTES * text.length);
    this.#end += this.#bytes.write(text, this.#end);
  }

  clear(): void {
    this.#end = 0;
    if (this.#bytes.length > this.#room) this.#bytes = Buffer.allocUnsafeSlow(this.#room);
  }

  #need(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(bytes);
    this.bytes.copy(larger);
    this.#bytes = larger;
  }
}
