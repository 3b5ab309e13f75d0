/**
 * Who brought a mail, for a primary that may be told: XFORWARD and XCLIENT as Postfix defines them (its
 * XFORWARD_README and XCLIENT_README). Values are xtext (RFC 3461 §4); what is not known is `[UNAVAILABLE]`.
 */
import { isIPv6 } from "node:net";
import { normaliseIp } from "../../mail/network.ts";
import type { ClaimedMail } from "../../ports/queue.ts";
import type { Capabilities } from "../../ports/smtp-client.ts";

/** Octets of one XFORWARD command with its CRLF; longer ones are cut into several. */
const MAX_LINE = 512;
const MAX_VALUE = 255;
/** Octets that xtext leaves as they are. */
const PLAIN = /^[!-*,-<>-~]{1,255}$/;
const UNAVAILABLE = "[UNAVAILABLE]";

/** The commands that go before MAIL; none where the primary offers no XFORWARD. */
export function xforwardLines(mail: ClaimedMail, { attributes }: Capabilities): readonly string[] {
  const offered = attributes?.["XFORWARD"] ?? [];
  const lines: string[] = [];
  let line = "XFORWARD";
  for (const word of words(mail, offered, { SOURCE: "REMOTE", IDENT: mail.id })) {
    if (line.length + word.length + 3 > MAX_LINE) {
      lines.push(`${line}\r\n`);
      line = "XFORWARD";
    }
    line += ` ${word}`;
  }
  return line === "XFORWARD" ? lines : [...lines, `${line}\r\n`];
}

function addressWord(ip: string): string {
  const plain = normaliseIp(ip);
  return isIPv6(plain) ? `IPV6:${plain}` : plain;
}

/** The command that makes the primary see the mail's client in our place; undefined where it is not offered. */
export function xclientLine(mail: ClaimedMail, { attributes }: Capabilities): string | undefined {
  const { server } = mail.client;
  const more: Record<string, string> = server === undefined ? {} : { DESTADDR: addressWord(server) };
  const found = words(mail, attributes?.["XCLIENT"] ?? [], more);
  return found.length === 0 ? undefined : `XCLIENT ${found.join(" ")}\r\n`;
}

/** Whether two mails may follow one XCLIENT. */
export function sameClient(a: ClaimedMail, b: ClaimedMail): boolean {
  const same = a.client.ip === b.client.ip && a.client.helo === b.client.helo;
  return same && a.client.name === b.client.name && protocolOf(a) === protocolOf(b);
}

function words(
  mail: ClaimedMail,
  offered: readonly string[],
  more: Readonly<Record<string, string>>,
): readonly string[] {
  const { ip, name, helo, port } = mail.client;
  const values: Readonly<Record<string, string | undefined>> = {
    NAME: name,
    ADDR: addressWord(ip),
    PORT: port === undefined ? undefined : String(port),
    PROTO: protocolOf(mail),
    HELO: helo === "" ? undefined : helo,
    ...more,
  };
  const usable = Object.entries(values).filter(([key]) => offered.includes(key));
  return usable.map(([key, value]) => `${key}=${value === undefined ? UNAVAILABLE : xtext(value)}`);
}

/** As our own Received field says it: `with SMTP`, or one of the extended ones. */
function protocolOf({ topFields }: ClaimedMail): string {
  return /\bwith SMTP id\b/.test(topFields) ? "SMTP" : "ESMTP";
}

function xtext(value: string): string {
  if (PLAIN.test(value)) return value;
  const bytes = Buffer.from(value).subarray(0, MAX_VALUE);
  return Array.from(bytes, (byte) => {
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x2b && byte !== 0x3d;
    return plain ? String.fromCharCode(byte) : `+${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}
