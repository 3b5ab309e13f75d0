/** XCLIENT: a trusted peer names the client that it speaks for, https://www.postfix.org/XCLIENT_README.html. */
import { isIP } from "node:net";
import { canonicalIp } from "../../mail/network.ts";
import { decodeXtext, isXtext } from "../../mail/xtext.ts";
import { NESTED_MAIL, NOT_OFFERED, say, type Answer, type NamedClient } from "./answer.ts";
import type { SessionState } from "./session-state.ts";

/** The EHLO keyword with its attributes, for peers that may use XCLIENT. */
export const XCLIENT_OFFER = "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT";

const KNOWN: ReadonlySet<string> = new Set(XCLIENT_OFFER.split(" ").slice(1));
const DENIED = say(550, "5.7.0", "Not for you");
const SYNTAX = say(501, "5.5.4", "Bad XCLIENT attribute");
const DONE = say(220, "2.0.0", "Ok");

export function xclient(session: SessionState, argument: string): Answer {
  if (session.xclient === "off") return NOT_OFFERED;
  if (session.xclient === "denied") return DENIED;
  if (session.transaction !== undefined) return NESTED_MAIL;
  const client = readClient(argument);
  return client === undefined ? SYNTAX : { ...DONE, client };
}

function readClient(argument: string): NamedClient | undefined {
  const words = new Map<string, string>();
  for (const word of argument.split(" ").filter((text) => text !== "")) {
    const [, name = "", text = ""] = /^([A-Za-z]+)=(.+)$/.exec(word) ?? [];
    const value = valueOf(text);
    const keyword = name.toUpperCase();
    if (!KNOWN.has(keyword) || value === undefined || words.has(keyword)) return undefined;
    if (!/^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i.test(value)) words.set(keyword, value);
  }
  const ip = words.get("ADDR")?.replace(/^IPv6:/i, "");
  if (argument === "" || (ip !== undefined && isIP(ip) === 0)) return undefined;
  const helo = words.get("HELO");
  const extended = words.get("PROTO")?.toUpperCase() !== "SMTP";
  return { extended, ...(ip !== undefined && { ip: canonicalIp(ip) }), ...(helo !== undefined && { helo }) };
}

/** The decoded value. Undefined if it is malformed or contains characters that no name or address has. */
function valueOf(text: string): string | undefined {
  const value = isXtext(text) ? decodeXtext(text) : "";
  return /^[\x21-\x7e]{1,255}$/.test(value) ? value : undefined;
}
