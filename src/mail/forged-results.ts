/**
 * Removes Authentication-Results fields in our name from a header section while it arrives, RFC 8601 §5: a server that
 * trusts our results must not take a stranger's for them. All other octets pass unchanged, and without a copy in chunks
 * that contain no such field. Holds back no more than UNDECIDED octets and one chunk.
 */
import { normaliseDomain } from "./domain.ts";

const LF = 0x0a;
const CR = 0x0d;
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09]);
const NAME = "authentication-results";
/** A field that has not named its server (authserv-id) within this number of octets counts as forged. */
const UNDECIDED = 2048;

type Claim = "ours" | "other" | "unknown";

export class ForgedResults {
  /** Fields that were taken out. */
  removed = 0;
  readonly #ourName: string;
  /** `pass`: the field is kept; `ask`: it may be forged; `drop`: it is forged; `over`: behind the header section. */
  #mode: "pass" | "ask" | "drop" | "over" = "pass";
  /** The next octet begins a line. */
  #fresh = true;
  /** The part of the undecided field that has arrived, latin1; it is held back. */
  #held = "";
  /** Length of the held part when it was last examined. */
  #asked = 0;

  /** `ourName`: our authserv-id, A-labels in lower case. */
  constructor(ourName: string) {
    this.#ourName = ourName;
  }

  /** Returns the octets of the chunk, and held back ones, that may pass; lines end in CRLF. */
  pass(chunk: Buffer): Buffer {
    if (this.#mode === "over") return chunk;
    const kept: Buffer[] = [];
    /** Octets from this position on are not in `kept` yet. */
    let since = 0;
    let at = 0;
    while (at < chunk.length) {
      const before = this.#mode;
      if (this.#fresh && !BLANKS.has(chunk[at] ?? 0)) {
        this.#endField(kept);
        if (before === "ask" || before === "drop") since = at;
        this.#mode = beginning(chunk, at);
        if (this.#mode === "over") break;
        if (this.#mode === "ask") kept.push(chunk.subarray(since, at));
      }
      const lf = chunk.indexOf(LF, at);
      const end = lf === -1 ? chunk.length : lf + 1;
      if (this.#mode === "ask") since = this.#ask(chunk.toString("latin1", at, end), kept) ? end : since;
      this.#fresh = lf !== -1;
      at = end;
    }
    if (this.#isKeeping()) kept.push(since === 0 ? chunk : chunk.subarray(since));
    return kept.length === 1 && kept[0] !== undefined ? kept[0] : Buffer.concat(kept);
  }

  /** Returns what was held back when the body ended. */
  end(): Buffer {
    const kept: Buffer[] = [];
    this.#endField(kept);
    this.#mode = "over";
    return Buffer.concat(kept);
  }

  #isKeeping(): boolean {
    return this.#mode === "pass" || this.#mode === "over";
  }

  /** Adds to the undecided field. Returns true if it turns out to be somebody else's, and so passes. */
  #ask(text: string, kept: Buffer[]): boolean {
    this.#held += text;
    // Examined only after doubling: otherwise lines of one blank each would cost the square of the field's length.
    if (this.#held.length < 2 * this.#asked && this.#held.length <= UNDECIDED) return false;
    this.#asked = this.#held.length;
    const claim = claimOf(this.#held, this.#ourName);
    if (claim === "other") {
      this.#mode = "pass";
      kept.push(this.#release());
      return true;
    }
    if (claim === "ours" || this.#held.length > UNDECIDED) {
      this.#mode = "drop";
      this.#release();
      this.removed += 1;
    }
    return false;
  }

  #endField(kept: Buffer[]): void {
    if (this.#mode !== "ask") return;
    // The blank ends a name at the very end of the field.
    const forged = claimOf(`${this.#held} `, this.#ourName) === "ours";
    const held = this.#release();
    if (forged) this.removed += 1;
    else kept.push(held);
  }

  /** Ends the examination of the field and returns what was held back. */
  #release(): Buffer {
    const held = Buffer.from(this.#held, "latin1");
    this.#held = "";
    this.#asked = 0;
    return held;
  }
}

/** Classifies a line that begins a field, or ends the section. */
function beginning(chunk: Buffer, at: number): "pass" | "ask" | "over" {
  const first = chunk[at];
  if (first === CR || first === LF) return "over";
  if (first !== 0x61 && first !== 0x41) return "pass";
  const start = chunk.toString("latin1", at, at + NAME.length).toLowerCase();
  return NAME.startsWith(start) ? "ask" : "pass";
}

/** Determines from the first octets of a field whose results it contains. */
function claimOf(field: string, ourName: string): Claim {
  const name = field.slice(0, NAME.length).toLowerCase();
  if (name !== NAME) return NAME.startsWith(name) ? "unknown" : "other";
  const rest = field.slice(NAME.length).replace(/^[ \t\r\n]+/, "");
  if (rest === "") return "unknown";
  if (!rest.startsWith(":")) return "other";
  const value = withoutComments(rest.slice(1));
  const token = /^(?:"((?:[^"\\]|\\.)*)"|([^\s;("]+)[\s;("])/s.exec(value);
  if (token === null) return value.startsWith(";") ? "other" : "unknown";
  const text = token[1]?.replace(/\\(.)/gs, "$1") ?? token[2] ?? "";
  return normaliseDomain(Buffer.from(text, "latin1").toString("utf8")) === ourName ? "ours" : "other";
}

/** Returns the text behind leading blanks and comments, RFC 5322 §3.2.2; empty while a comment is open. */
function withoutComments(text: string): string {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === "(") depth += 1;
    else if (depth > 0 && char === ")") depth -= 1;
    else if (depth > 0 && char === "\\") at += 1;
    else if (depth === 0 && !/\s/.test(char)) return text.slice(at);
  }
  return "";
}
