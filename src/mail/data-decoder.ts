/**
 * Reads the octets that follow DATA, RFC 5321 §4.1.1.4 and §4.5.2. Only CRLF "." CRLF ends a body. A dot that
 * opens a line after CRLF is removed, after a bare CR or LF it is content. Bare CR and bare LF become CRLF and
 * are counted, so that what is stored means the same to every server behind us. The octets of BDAT (RFC 3030) are
 * read in the same way, but dots mean nothing there and only `end` ends the body.
 *
 * It reads every octet once, and chunks may be cut anywhere. A chunk that needs no change is returned as a view of
 * itself.
 */
import { ownCopy } from "./own-copy.ts";
import { TextRun } from "./text-run.ts";

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;

/** RFC 5321 §4.5.3.1.6: 1,000 octets with CRLF. */
const LONGEST_LINE = 998;

const LINE_START = 0;
const TEXT = 1;
const CR_SEEN = 2;
const DOT_SEEN = 3;
const DOT_CR_SEEN = 4;
const ENDED = 5;

interface DecodedChunk {
  /** Body octets, with dots removed and newlines corrected; may be empty. */
  readonly body: Buffer;
  /** The octets behind the final dot, in memory of their own; present once the body has ended. */
  readonly rest?: Buffer;
}

/** `dots`: as DATA carries a body; `plain`: as BDAT does. */
export type BodyFraming = "dots" | "plain";

export class DataDecoder {
  /** Octets of body so far. */
  size = 0;
  /** Bare CR and bare LF that were turned into CRLF. */
  bareNewlines = 0;
  hasNul = false;

  readonly #dots: boolean;
  readonly #run = new TextRun(LONGEST_LINE);
  #state = LINE_START;
  #chunk: Buffer = EMPTY;
  /** The position from which the chunk has not been output yet. */
  #from = 0;
  /** The position of the dot that opens the line; valid only in the states that have seen one. */
  #dot = 0;
  /** The output, if it cannot be one view of the chunk. */
  #copy: Buffer | undefined;
  #copied = 0;

  constructor(framing: BodyFraming = "dots") {
    this.#dots = framing === "dots";
  }

  /** Lines above 1,000 octets. */
  get longLines(): number {
    return this.#run.longLines;
  }

  get eightBit(): boolean {
    return this.#run.eightBit;
  }

  decode(chunk: Buffer): DecodedChunk {
    this.#chunk = chunk;
    this.#from = 0;
    this.#dot = 0;
    let state = this.#state;
    let at = 0;
    for (; at < chunk.length && state !== ENDED; at++) {
      if (state === TEXT) at = this.#run.skip(chunk, at);
      const octet = chunk[at] ?? 0;
      if (octet === CR && state === TEXT) state = CR_SEEN;
      else if (octet === LF && state === CR_SEEN) state = this.#endLine(at);
      else if (octet === DOT && state === LINE_START && this.#dots) {
        this.#dot = at;
        state = DOT_SEEN;
      } else state = this.#turn(state, at);
    }
    this.#state = state;
    if (state === ENDED) return { body: this.#body(this.#dot), rest: ownCopy(chunk, at) };
    return { body: this.#body(state === DOT_SEEN || state === DOT_CR_SEEN ? this.#dot : chunk.length) };
  }

  /** Ends a `plain` body; returns the octets that were held back. */
  end(): Buffer {
    const bareCr = this.#state === CR_SEEN;
    this.#run.endLine(bareCr ? -1 : 0, 0);
    this.#state = ENDED;
    if (!bareCr) return EMPTY;
    this.bareNewlines += 1;
    this.size += 1;
    return Buffer.from("\n");
  }

  /** Returns the next state after an octet that is not the usual one in this state. */
  #turn(state: number, at: number): number {
    const octet = this.#chunk[at] ?? 0;
    if (state === DOT_SEEN && octet === CR) return DOT_CR_SEEN;
    if (state === DOT_CR_SEEN && octet === LF) return ENDED;
    if (state === DOT_SEEN) this.#dropDot(at);
    else if (state === DOT_CR_SEEN) {
      this.#dropDot(at);
      this.#insert(CR);
    }
    if (state === DOT_CR_SEEN || state === CR_SEEN) this.#bareCr(at);
    return this.#text(octet, at);
  }

  #text(octet: number, at: number): number {
    if (octet === LF) return this.#bareLf(at);
    if (octet === CR) return CR_SEEN;
    if (octet === NUL) this.hasNul = true;
    if (octet > 0x7f) this.#run.eightBit = true;
    return TEXT;
  }

  /** Drops the dot that opened the line, and everything before `at` that was held back. */
  #dropDot(at: number): void {
    this.#putOut(this.#dot);
    this.#from = at;
    this.#run.lineStart = at;
  }

  #bareCr(at: number): void {
    this.#putOut(at);
    this.#insert(LF);
    this.bareNewlines += 1;
    this.#run.endLine(at - 1, at);
  }

  #bareLf(at: number): number {
    this.#putOut(at);
    this.#insert(CR);
    this.bareNewlines += 1;
    this.#run.endLine(at, at + 1);
    return TEXT;
  }

  #endLine(lf: number): number {
    this.#run.endLine(lf - 1, lf + 1);
    return LINE_START;
  }

  /** Copies the chunk up to `to`. */
  #putOut(to: number): void {
    const length = to - this.#from;
    if (length <= 0) return;
    const target = this.#room(length);
    if (length > 32) this.#chunk.copy(target, this.#copied, this.#from, to);
    else
      for (let at = this.#from, put = this.#copied; at < to; at++, put++) target[put] = this.#chunk[at] ?? 0;
    this.#copied += length;
    this.#from = to;
  }

  #insert(octet: number): void {
    this.#room(1)[this.#copied] = octet;
    this.#copied += 1;
  }

  /** Returns the copy, with room for `more` octets. */
  #room(more: number): Buffer {
    const old = this.#copy;
    const needed = this.#copied + more;
    if (old !== undefined && needed <= old.length) return old;
    const room = Buffer.allocUnsafeSlow(Math.max(this.#chunk.length + 16, 2 * needed));
    old?.copy(room, 0, 0, this.#copied);
    this.#copy = room;
    return room;
  }

  /** Returns the output of this chunk and forgets the chunk. */
  #body(to: number): Buffer {
    if (this.#copy !== undefined) this.#putOut(to);
    const body = this.#copy?.subarray(0, this.#copied) ?? this.#chunk.subarray(this.#from, to);
    this.#run.lineStart -= this.#chunk.length;
    this.#copy = undefined;
    this.#copied = 0;
    this.#chunk = EMPTY;
    this.size += body.length;
    return body;
  }
}

const EMPTY = Buffer.alloc(0);
