import { parseReply, type Reply } from "../../mail/reply.ts";

/** Most octets of one reply, all lines together. */
export const MAX_REPLY = 64 * 1024;

/** Most reply lines of one peer whose parsed form is cached. */
const REMEMBERED = 8;

/** RFC 5321 §4.2: three digits, then a hyphen where more lines follow. */
const REPLY_LINE = /^[2-5]\d\d(?:[ -]|$)/;

/** The peer does not speak SMTP, or does not end its reply. */
export class NotSmtp extends Error {}

/** Splits the peer's octets into replies. */
export class ReplyReader {
  #rest = "";
  /** The lines of an incomplete reply. */
  #lines: string[] = [];
  /** Parsed replies by line, because a peer repeats the same few lines. */
  readonly #said = new Map<string, Reply>();
  /** Octets of the lines of the incomplete reply. */
  #size = 0;

  /**
   * Takes the octets that arrived and passes each complete reply to `take`. Throws NotSmtp at a line that is no reply,
   * and beyond MAX_REPLY octets; replies before that have been passed on, and count.
   */
  push(chunk: Buffer, take: (reply: Reply) => void): void {
    const text = this.#rest + chunk.toString("latin1");
    let from = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", from)) {
      const line = text.slice(from, text[end - 1] === "\r" && end > from ? end - 1 : end);
      from = end + 1;
      const reply = (this.#lines.length === 0 && this.#said.get(line)) || this.#take(line);
      if (reply !== undefined) take(reply);
    }
    this.#rest = text.slice(from);
    if (this.#size + this.#rest.length > MAX_REPLY) throw new NotSmtp("the reply does not end");
  }

  #take(line: string): Reply | undefined {
    if (!REPLY_LINE.test(line)) throw new NotSmtp("the answer is no SMTP reply");
    this.#size += line.length;
    if (this.#size > MAX_REPLY) throw new NotSmtp("the reply does not end");
    this.#lines.push(line);
    if (line[3] === "-") return undefined;
    const reply = read(this.#lines.join("\n"));
    if (this.#lines.length === 1 && line.length < 100 && this.#said.size < REMEMBERED)
      this.#said.set(line, reply);
    this.#lines = [];
    this.#size = 0;
    return reply;
  }
}

function read(octets: string): Reply {
  return parseReply(decode(octets));
}

/** Decodes octets as UTF-8 if they are valid UTF-8, otherwise as Latin-1. */
function decode(octets: string): string {
  if (!/[\x80-\xff]/.test(octets)) return octets;
  const text = Buffer.from(octets, "latin1").toString("utf8");
  return text.includes("\ufffd") ? octets : text;
}
