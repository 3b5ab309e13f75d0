/**
 * The end of a line followed by a dot gets a second dot, RFC 5321 §4.5.2; nothing else changes. A body that does
 * not end with CRLF gets one, because the final dot must stand on a line of its own.
 */
const DOT = 0x2e;
const LF = 0x0a;
const LF_DOT = Buffer.from("\n.");
const END = Buffer.from(".\r\n");
const LINE_END = Buffer.from("\r\n.\r\n");

export class DotStuffer {
  #atLineStart = true;

  /** Returns the octets to send for this part of the body, in order; it is cut at each dot that is doubled. */
  push(chunk: Buffer): Buffer[] {
    if (chunk.length === 0) return [];
    const parts: Buffer[] = [];
    let from = 0;
    // A slice that begins at a dot already sent repeats that dot, so nothing is copied.
    if (this.#atLineStart && chunk[0] === DOT) parts.push(chunk.subarray(0, 1));
    for (let at = chunk.indexOf(LF_DOT); at !== -1; at = chunk.indexOf(LF_DOT, at + 2)) {
      parts.push(chunk.subarray(from, at + 2));
      from = at + 1;
    }
    parts.push(from === 0 ? chunk : chunk.subarray(from));
    this.#atLineStart = chunk[chunk.length - 1] === LF;
    return parts;
  }

  /** Returns the octets that end the body. */
  end(): Buffer {
    return this.#atLineStart ? END : LINE_END;
  }
}
