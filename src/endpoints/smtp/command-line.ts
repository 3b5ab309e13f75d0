/** Reads a line of a client as a command, RFC 5321 §4.1. */
import { isUtf8 } from "node:buffer";

const OTHER_PROTOCOL =
  /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|TRACE|CONNECT|PATCH|PRI)(?: |$)|^SSH-| (?:HTTP|RTSP|SIP)\/\d(?:\.\d)?$/i;

/** The line as text. Undefined if it is not UTF-8 or contains control characters (tab becomes a space). */
export function readLine(line: Buffer): string | undefined {
  const plain = line.toString("latin1");
  if (/^[ -~]*$/.test(plain)) return plain;
  if (!isUtf8(line)) return undefined;
  const text = line.toString("utf8");
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return /[\x00-\x08\x0a-\x1f\x7f\u0080-\u009f]/.test(text) ? undefined : text.replaceAll("\t", " ");
}

/** The text before the first space, in upper case. Empty if it is not a word of ASCII letters. */
export function verbOf(text: string): string {
  const blank = text.indexOf(" ");
  const word = blank === -1 ? text : text.slice(0, blank);
  return /^[A-Za-z]+$/.test(word) ? word.toUpperCase() : "";
}

/**
 * Whether the line is a request of HTTP, RTSP or SIP, or the greeting of SSH. Such a connection is closed: an attacker
 * may have directed somebody else's client here, to send SMTP commands inside its requests.
 */
export function isOtherProtocol(text: string): boolean {
  return OTHER_PROTOCOL.test(text);
}
