/**
 * Tells a primary which client sent a mail: XFORWARD and XCLIENT as Postfix defines them (its XFORWARD_README and
 * XCLIENT_README). Values are xtext; an unknown value is `[UNAVAILABLE]`.
 */
import { normaliseIp } from "../../mail/network.ts";
import { encodeXtext } from "../../mail/xtext.ts";
import type { Capabilities } from "../../ports/smtp-client.ts";
import type { ClaimedMail } from "../../ports/work-store.ts";

/** Octets of one XFORWARD command with its CRLF; longer ones are cut into several. */
const MAX_LINE = 512;
/** Octets of one value, before it is encoded as xtext. */
const MAX_VALUE = 255;
const UNAVAILABLE = "[UNAVAILABLE]";

type Word = readonly [keyword: string, value: (mail: ClaimedMail) => string | undefined];

const CLIENT_WORDS: readonly Word[] = [
  ["NAME", ({ client }) => client.name],
  ["ADDR", ({ client }) => addressOf(client.ip)],
  ["PORT", ({ client }) => client.port?.toString()],
  ["PROTO", protocolOf],
  ["HELO", ({ client }) => (client.helo === "" ? undefined : client.helo)],
];
const XFORWARD_WORDS: readonly Word[] = [
  ...CLIENT_WORDS,
  ["SOURCE", () => "REMOTE"],
  ["IDENT", ({ id }) => id],
];
const DESTADDR: Word = ["DESTADDR", ({ client }) => client.server && addressOf(client.server)];

/** Returns the XFORWARD commands before MAIL; none if the peer offers no attribute. */
export function xforwardLines(mail: ClaimedMail, offered: readonly string[]): readonly string[] {
  if (offered.length === 0) return [];
  const lines: string[] = [];
  let line = "XFORWARD";
  for (const word of words(mail, offered, XFORWARD_WORDS)) {
    if (line.length + word.length + 3 > MAX_LINE) {
      lines.push(`${line}\r\n`);
      line = "XFORWARD";
    }
    line += ` ${word}`;
  }
  if (line !== "XFORWARD") lines.push(`${line}\r\n`);
  return lines;
}

/** Returns the XCLIENT command, which names the mail's client in our place; undefined if it is not offered. */
export function xclientLine(mail: ClaimedMail, { attributes }: Capabilities): string | undefined {
  const known = mail.client.server === undefined ? CLIENT_WORDS : [...CLIENT_WORDS, DESTADDR];
  const found = words(mail, attributes?.["XCLIENT"] ?? [], known);
  return found.length === 0 ? undefined : `XCLIENT ${found.join(" ")}\r\n`;
}

function addressOf(ip: string): string {
  const plain = normaliseIp(ip);
  return plain.includes(":") ? `IPV6:${plain}` : plain;
}

/** Whether one XCLIENT is valid for both mails. */
export function sameClient(a: ClaimedMail, b: ClaimedMail): boolean {
  const same = a.client.ip === b.client.ip && a.client.helo === b.client.helo;
  return same && a.client.name === b.client.name && protocolOf(a) === protocolOf(b);
}

function words(mail: ClaimedMail, offered: readonly string[], known: readonly Word[]): string[] {
  const found: string[] = [];
  for (const [keyword, valueOf] of known) {
    if (!offered.includes(keyword)) continue;
    const value = valueOf(mail);
    found.push(`${keyword}=${value === undefined ? UNAVAILABLE : encodeXtext(value, MAX_VALUE)}`);
  }
  return found;
}

/** As our own Received field says it: `with SMTP`, or one of the extended ones. */
function protocolOf({ topFields }: ClaimedMail): string {
  return topFields.includes("with SMTP id ") ? "SMTP" : "ESMTP";
}
