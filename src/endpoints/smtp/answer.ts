/** What the session tells its connection: a reply, and what comes next. */
import { formatReply, reply, type Reply } from "../../mail/reply.ts";

export interface Answer {
  readonly reply: Reply;
  /** Further lines of the same reply, without codes. */
  readonly more?: readonly string[];
  /**
   * `close`: after this reply; `tls`: the handshake follows; `body`: the client sends its mail, or a chunk of it;
   * `more`: the mail goes on with the next chunk.
   */
  readonly next?: "close" | "tls" | "body" | "more";
  /** The session begins anew for this client, and its greeting stands in place of this reply. */
  readonly client?: NamedClient;
  /** With `body`: octets without a go-ahead, and this reply only after them (RFC 3030 §2). */
  readonly chunk?: ChunkHead;
  /** Whom it concerns, for the journal. */
  readonly about?: About;
  /** Positive, but it brought nothing forward: counts against the budget of commands. */
  readonly idle?: boolean;
}

interface About {
  readonly sender?: string;
  readonly recipient?: string;
  /** Which checks looked. */
  readonly checks?: string;
}

/** For whom a trusted peer speaks. */
export interface NamedClient {
  /** Absent: the peer does not know. */
  readonly ip?: string;
  readonly helo?: string;
  readonly extended: boolean;
}

/** What BDAT announces. */
export interface ChunkHead {
  readonly octets: number;
  readonly last: boolean;
}

export function say(code: number, enhanced: string, text: string): Answer {
  return { reply: reply(code, enhanced, text) };
}

/** The wire form of replies that never change and are given again and again. */
const FIXED = new WeakMap<Reply, string>();

/** Makes the wire form of an answer once and for all. */
export function fixed(answer: Answer): Answer {
  FIXED.set(answer.reply, `${formatReply(answer.reply)}\r\n`);
  return answer;
}

/** A reply after which the connection is closed. */
export function closing(code: number, enhanced: string, text: string): Answer {
  return { reply: reply(code, enhanced, text), next: "close" };
}

/** The reply as it goes on the wire, RFC 5321 §4.2.1. */
export function wireText(answer: Answer): string {
  if (answer.more !== undefined) return severalLines(answer);
  return FIXED.get(answer.reply) ?? `${formatReply(answer.reply)}\r\n`;
}

function severalLines({ reply: answer, more = [] }: Answer): string {
  const lines = [answer.text, ...more];
  return lines.map((line, at) => `${answer.code}${at < lines.length - 1 ? "-" : " "}${line}\r\n`).join("");
}

export const TROUBLE = say(451, "4.3.0", "Temporary trouble, try again later");
export const FULL = say(452, "4.3.1", "Short of storage, try again later");
export const NOT_OFFERED = say(502, "5.5.1", "Command not implemented");
export const NEEDS_EHLO = say(503, "5.5.1", "Say EHLO first");
export const NESTED_MAIL = say(503, "5.5.1", "A mail is already under way");
export const NEEDS_UTF8 = say(553, "5.6.7", "This address needs SMTPUTF8");
export const TOO_BIG = say(552, "5.3.4", "Message exceeds the size limit");
export const CLEAN_LINES = say(500, "5.5.2", "Commands are lines of text that end in CRLF");

/** Why a connection is closed, whatever its client is at. */
export const CLOSED = {
  sick: closing(421, "4.3.0", "Temporary trouble with storage, try again later"),
  stopping: closing(421, "4.3.2", "Service is shutting down, try again later"),
  tooSlow: closing(421, "4.4.2", "Timeout, closing the connection"),
  tooSoon: closing(421, "4.7.0", "You spoke before the greeting"),
  tooLong: closing(421, "4.7.0", "Command line too long"),
  tooMuch: closing(421, "4.7.0", "Message far above the size limit"),
  foreign: closing(421, "4.7.0", "This is an SMTP server"),
} as const;
