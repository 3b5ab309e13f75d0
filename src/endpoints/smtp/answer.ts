/** What the session returns to its connection: a reply, and the next step. */
import { formatReply, reply, type Reply } from "../../mail/reply.ts";

export interface Answer {
  readonly reply: Reply;
  /** Further lines of the same reply, without codes. */
  readonly more?: readonly string[];
  /**
   * `close`: the connection closes after this reply; `tls`: the TLS handshake follows; `body`: the client sends its
   * mail, or a chunk of it; `more`: the mail continues with the next chunk.
   */
  readonly next?: "close" | "tls" | "body" | "more";
  /** A new session begins for this client. Its greeting replaces this reply. */
  readonly client?: NamedClient;
  /** With `body`: the client sends these octets without waiting, and the reply is sent after them (RFC 3030 §2). */
  readonly chunk?: ChunkHead;
  /** The sender and recipient that the answer concerns, for the journal. */
  readonly about?: About;
  /** A positive reply to a command without progress; it counts against the budget of commands. */
  readonly idle?: boolean;
}

interface About {
  readonly sender?: string;
  readonly recipient?: string;
  /** Results of the checks, packed (`Looks`). */
  readonly checks?: string;
}

/** The client that a trusted peer has named. */
export interface NamedClient {
  /** Undefined if the peer does not know it. */
  readonly ip?: string;
  readonly helo?: string;
  readonly extended: boolean;
}

/** The arguments of BDAT. */
export interface ChunkHead {
  readonly octets: number;
  readonly last: boolean;
}

export function say(code: number, enhanced: string, text: string): Answer {
  return { reply: reply(code, enhanced, text) };
}

/** The wire form of replies that never change and are sent often. */
const FIXED = new WeakMap<Reply, string>();

/** Caches the wire form of an answer that never changes. */
export function fixed(answer: Answer): Answer {
  FIXED.set(answer.reply, `${formatReply(answer.reply)}\r\n`);
  return answer;
}

/** An answer after which the connection closes. */
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

/** Answers that close the connection in any phase. */
export const CLOSED = {
  sick: closing(421, "4.3.0", "Temporary trouble with storage, try again later"),
  stopping: closing(421, "4.3.2", "Service is shutting down, try again later"),
  tooSlow: closing(421, "4.4.2", "Timeout, closing the connection"),
  tooSoon: closing(421, "4.7.0", "You spoke before the greeting"),
  tooLong: closing(421, "4.7.0", "Command line too long"),
  tooMuch: closing(421, "4.7.0", "Message far above the size limit"),
  foreign: closing(421, "4.7.0", "This is an SMTP server"),
} as const;
