import type { Reply } from "../../mail/reply.ts";
import { parseReply } from "../../mail/reply.ts";

/** Octets that one reply may have, all lines together. */
export const MAX_REPLY = 64 * 1024;

/** Lines of one peer that are kept as they were read. */
const REMEMBERED = 8;

/** RFC 5321 §4.2: three digits, then a hyphen where more lines follow. */
const REPLY_LINE = /^[2-5]\d\d(?:[ -]|$)/;

/** The peer does not speak SMTP, or does not end its reply. */
export class NotSmtp extends Error {}

/** Cuts the peer's octets into replies. Throws NotSmtp for what is no reply, and beyond MAX_REPLY octets. */
export class ReplyReader {
  #rest = "";
  #lines: string[] = [];
  readonly #said = new Map<string, Reply>();
  /** Octets of the lines that wait for the reply's last one. */
  #size = 0;

  /** A peer says the same few lines again and again. */
  #known(line: string): Reply {
    const known = this.#said.get(line);
    if (known !== undefined) return known;
    const reply = read(line);
    if (this.#said.size < REMEMBERED && line.length < 100) this.#said.set(line, reply);
    return reply;
  }

  /** Takes what arrived and answers the replies that are complete by it. */
  push(chunk: Buffer): Reply[] {
    const replies: Reply[] = [];
    const lines = (this.#rest + chunk.toString("latin1")).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#take(line.endsWith("\r") ? line.slice(0, -1) : line, replies);
    if (this.#size + this.#rest.length > MAX_REPLY) throw new NotSmtp("the reply does not end");
    return replies;
  }

  #take(line: string, replies: Reply[]): void {
    if (!REPLY_LINE.test(line)) throw new NotSmtp("the answer is no SMTP reply");
    this.#size += line.length;
    if (this.#size > MAX_REPLY) throw new NotSmtp("the reply does not end");
    this.#lines.push(line);
    if (line[3] === "-") return;
    replies.push(this.#lines.length === 1 ? this.#known(line) : read(this.#lines.join("\n")));
    this.#lines = [];
    this.#size = 0;
  }
}

function read(octets: string): Reply {
  return parseReply(decode(octets));
}

/** Octets as UTF-8 where they are that, else as Latin-1. */
function decode(octets: string): string {
  if (!/[\x80-\xff]/.test(octets)) return octets;
  const text = Buffer.from(octets, "latin1").toString("utf8");
  return text.includes("\ufffd") ? octets : text;
}
