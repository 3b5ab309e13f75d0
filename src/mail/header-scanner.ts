/**
 * Reads the header section of a body while it arrives: the number of Received fields, and the fields that identify the
 * mail to people. Bounded: it reads at most `headerSize` octets and `headerFields` fields, and keeps at most FIELD
 * octets of one field. The section ends at the first empty line, or at the first line that is no header field (RFC 5322
 * §2.2). If the very first line begins with a blank, there is no section, because no field precedes it.
 */
import { isAscii as hasAsciiOnly } from "node:buffer";
import { isAscii } from "./domain.ts";
import { printable } from "./reply.ts";

interface HeaderLimits {
  /** Octets of header section that are read. */
  readonly headerSize: number;
  /** Fields that are read. */
  readonly headerFields: number;
  /** Our own name, A-labels, lower case. */
  readonly hostname: string;
}

/** Facts from the header; texts are printable, not decoded, and have at most 200 characters. */
export interface HeaderFacts {
  /** Received fields. */
  readonly received: number;
  /** Received fields whose `by` names us. */
  readonly ownReceived: number;
  /** The section is longer, or has more fields, than it may. */
  readonly tooLong: boolean;
  /** It begins with a blank: fields put on top must end the section, or the first line would continue them. */
  readonly headless?: true;
  /** The section has octets above 127 (RFC 6532). */
  readonly foreign?: true;
  readonly messageId?: string;
  readonly subject?: string;
  readonly from?: string;
  /** In the order of TRAITS; absent: none. */
  readonly traits?: readonly Trait[];
}

/**
 * What a header tells about the author. `list`: it has List-* fields (RFC 2369, RFC 2919); `bulk`: Precedence is
 * bulk, list or junk; `automatic`: Auto-Submitted is anything but `no` (RFC 3834 §5).
 */
export const TRAITS = ["list", "bulk", "automatic"] as const;
export type Trait = (typeof TRAITS)[number];

/** Most octets of one field, and characters of a text in it, that are kept. */
const FIELD = 2048;
const TEXT = 200;
const LF = 0x0a;
const TAB = 0x09;
const SPACE = 0x20;
const COLON = 0x3a;

/** First letters of the fields that are read, in upper and lower case. */
const WANTED = new Set(Buffer.from("rRmMsSfFlLpPaA"));

export class HeaderScanner {
  readonly #limits: HeaderLimits;
  #done = false;
  #seen = 0;
  #fields = 0;
  /** The unfinished line, latin1, cut at FIELD. */
  #line = "";
  /** The unfinished field, unfolded, cut at FIELD; empty for a field that is not read. */
  #field = "";
  #received = 0;
  #own = 0;
  #tooLong = false;
  #headless = false;
  #foreign = false;
  readonly #texts = new Map<string, string>();
  readonly #traits = new Set<Trait>();

  constructor(limits: HeaderLimits) {
    this.#limits = limits;
  }

  /** Takes the next piece of body, newlines already CRLF. */
  feed(chunk: Buffer): void {
    if (this.#seen === 0 && isBlank(chunk[0])) {
      this.#headless = true;
      this.#end(false);
    }
    let from = 0;
    while (!this.#done && from < chunk.length) {
      const lf = chunk.indexOf(LF, from);
      const end = lf === -1 ? chunk.length : lf + 1;
      this.#seen += end - from;
      if (this.#seen > this.#limits.headerSize) return this.#end(true);
      if (lf === -1 || this.#line !== "" || !this.#passOver(chunk, from)) {
        this.#collect(chunk, from, end);
        if (lf !== -1) this.#endLine();
      }
      from = end;
    }
    if (from > 0) this.#foreign ||= !hasAsciiOnly(chunk.subarray(0, from));
  }

  /** The facts, once the body is complete. */
  facts(): HeaderFacts {
    if (!this.#done) this.#end(false);
    const text = (name: string): string | undefined => this.#texts.get(name);
    const messageId = text("message-id");
    const subject = text("subject");
    const from = text("from");
    return {
      received: this.#received,
      ownReceived: this.#own,
      tooLong: this.#tooLong,
      ...(this.#headless && { headless: true }),
      ...(this.#foreign && { foreign: true }),
      ...(messageId !== undefined && { messageId }),
      ...(subject !== undefined && { subject }),
      ...(from !== undefined && { from }),
      ...(this.#traits.size > 0 && { traits: TRAITS.filter((trait) => this.#traits.has(trait)) }),
    };
  }

  /** Counts a whole line of a field that is not read, without converting it to text; false for any other line. */
  #passOver(chunk: Buffer, from: number): boolean {
    const first = chunk[from] ?? 0;
    if (isBlank(first)) return this.#field === "";
    if (WANTED.has(first) || !beginsField(chunk, from)) return false;
    this.#endField();
    this.#countField();
    return true;
  }

  #countField(): boolean {
    if (++this.#fields > this.#limits.headerFields) this.#end(true);
    return !this.#done;
  }

  #collect(chunk: Buffer, from: number, end: number): void {
    const room = FIELD - this.#line.length;
    if (room > 0) this.#line += chunk.toString("latin1", from, Math.min(end, from + room));
  }

  #endLine(): void {
    const line = this.#line.replace(/\r?\n$/, "");
    this.#line = "";
    if (line.startsWith(" ") || line.startsWith("\t")) return this.#continue(line);
    this.#endField();
    // The empty line is no field either.
    if (!/^[!-9;-~]+[ \t]*:/.test(line)) return this.#end(false);
    if (this.#countField()) this.#field = WANTED.has(line.charCodeAt(0)) ? line : "";
  }

  #continue(line: string): void {
    if (this.#field !== "" && this.#field.length < FIELD) this.#field += line;
  }

  #endField(): void {
    const field = this.#field;
    this.#field = "";
    if (field === "") return;
    const colon = field.indexOf(":");
    const name = field.slice(0, colon).trimEnd().toLowerCase();
    const value = field.slice(colon + 1, FIELD);
    if (name === "received") this.#countReceived(value);
    else if (isNamed(name) && !this.#texts.has(name)) this.#texts.set(name, readable(value));
    else this.#noteTrait(name, value.trim().toLowerCase());
  }

  #noteTrait(name: string, value: string): void {
    if (name.startsWith("list-")) this.#traits.add("list");
    else if (name === "precedence" && /^(?:bulk|list|junk)\b/.test(value)) this.#traits.add("bulk");
    else if (name === "auto-submitted" && !/^no\b/.test(value)) this.#traits.add("automatic");
  }

  #countReceived(value: string): void {
    this.#received += 1;
    if (byDomain(value) === this.#limits.hostname) this.#own += 1;
  }

  #end(tooLong: boolean): void {
    this.#endField();
    this.#tooLong = tooLong;
    this.#line = "";
    this.#done = true;
  }
}

/** RFC 5322 §2.2: printable ASCII without a colon, then a colon; blanks before the colon are tolerated. */
function beginsField(chunk: Buffer, from: number): boolean {
  let at = from;
  for (let octet = chunk[at] ?? 0; octet > SPACE && octet < 0x7f && octet !== COLON;)
    octet = chunk[++at] ?? 0;
  if (at === from) return false;
  while (isBlank(chunk[at])) at += 1;
  return chunk[at] === COLON && at - from < FIELD;
}

function isBlank(octet: number | undefined): boolean {
  return octet === SPACE || octet === TAB;
}

function isNamed(name: string): boolean {
  return name === "message-id" || name === "subject" || name === "from";
}

/** The domain of the `by` clause of a Received field, RFC 5321 §4.4; comments are no clauses. */
function byDomain(value: string): string | undefined {
  const bare = value.replace(/\([^()]*\)/g, " ");
  return /(?:^|\s)by\s+([^\s;]+)/i.exec(bare)?.[1]?.toLowerCase().replace(/\.$/, "");
}

function readable(value: string): string {
  const text = printable(isAscii(value) ? value : Buffer.from(value, "latin1").toString("utf8"));
  return text.slice(0, TEXT).replace(/[\ud800-\udbff]$/, "");
}
