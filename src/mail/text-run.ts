/**
 * Skips octets that need no special treatment, which is nearly all of a body: octets above CR, in lines that end in
 * CRLF if the next line begins with such an octet other than a dot. Reads four octets at a time.
 */

const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;
/** CR + 1, and the highest bit, in each octet of a word. */
const ABOVE_CR = 0x0e0e0e0e;
const HIGH = 0x80808080;

const NO_WORDS: Int32Array = new Int32Array(0);

export class TextRun {
  /** An octet above 127 has been read. */
  eightBit = false;
  /** Lines longer than `longest`. */
  longLines = 0;
  /** The position in the chunk at which the line's content begins; negative if it began in an earlier chunk. */
  lineStart = 0;
  readonly #longest: number;
  #words: Int32Array = NO_WORDS;

  /** `longest` in octets, without CRLF. */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** Notes that the line's content ended before `end`, and that of the next line begins at `next`. */
  endLine(end: number, next: number): void {
    if (end - this.lineStart > this.#longest) this.longLines += 1;
    this.lineStart = next;
  }

  /** Returns the position, from `from` on, of the first octet that is not skipped; the chunk's last octet never is. */
  skip(chunk: Buffer, from: number): number {
    const words = this.#wordsOf(chunk);
    const { byteOffset } = chunk;
    const last = chunk.length - 1;
    let bits = 0;
    let at = from;
    for (;;) {
      // Words are aligned in the memory, which the chunk need not be.
      let octet = chunk[at] ?? 0;
      for (; octet > CR && at < last && ((byteOffset + at) & 3) !== 0; octet = chunk[++at] ?? 0)
        bits |= octet;
      if (octet > CR) {
        const first = (byteOffset + at) >> 2;
        const end = (byteOffset + last) >> 2;
        let word = first;
        for (; word < end; word++) {
          const four = words[word] ?? 0;
          if (((four - ABOVE_CR) & ~four & HIGH) !== 0) break;
          bits |= four;
        }
        at += 4 * (word - first);
        octet = chunk[at] ?? 0;
        for (; octet > CR && at < last; octet = chunk[++at] ?? 0) bits |= octet;
      }
      if (octet !== CR || at + 2 >= last || chunk[at + 1] !== LF) break;
      const next = chunk[at + 2] ?? 0;
      if (next <= CR || next === DOT) break;
      this.endLine(at, at + 2);
      at += 2;
    }
    if ((bits & HIGH) !== 0) this.eightBit = true;
    return at;
  }

  /** Returns the chunk's memory as words; the last array is cached, because many chunks share one memory. */
  #wordsOf({ buffer }: Buffer): Int32Array {
    if (this.#words.buffer !== buffer) this.#words = new Int32Array(buffer, 0, buffer.byteLength >> 2);
    return this.#words;
  }
}
