/** The most bytes that one UTF-16 unit of a text takes as UTF-8. */
const MOST_BYTES = 3;

/**
 * Text that waits to be written, as UTF-8 outside of V8's heap: each collection of young objects would copy strings.
 * The memory is reused, because V8 counts external memory and collects its whole heap when much was allocated.
 */
export class WaitingText {
  readonly #room: number;
  #bytes: Buffer;
  #end = 0;

  /** `room`: bytes of memory that it keeps; for a longer text it grows until it is cleared. */
  constructor(room: number) {
    this.#room = room;
    this.#bytes = Buffer.allocUnsafeSlow(room);
  }

  /** Number of waiting bytes. */
  get length(): number {
    return this.#end;
  }

  /** The waiting bytes; valid until the next text is added. */
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
