/** The part for machines: the fields of message/delivery-status, RFC 3464 §2.2 and §2.3, RFC 6533. */
import { originalRecipient } from "../../mail/dsn.ts";
import { addressLiteral, isAddressLiteral, parseHostPort } from "../../mail/network.ts";
import { decodeXtext } from "../../mail/xtext.ts";
import { mailDate } from "../../mail/received.ts";
import { parseReply, printable } from "../../mail/reply.ts";
import type { DsnField, OwedMail, OwedRecipient } from "../../ports/dsn.ts";

/** Status codes of RFC 3463 §3.5: delivery time expired, no answer from the host; and §3.1: undefined status. */
const EXPIRED = "4.4.7";
const NO_ANSWER = "4.4.1";
const GIVEN_UP = "5.0.0";
/** Maximum octets of one written value: a line has at most 998, RFC 5322 §2.1.1. No address is longer. */
const MAX_VALUE = 900;

/** The class of the status code (RFC 3463 §2) for each kind. */
const CLASSES = { failed: 5, delayed: 4, relayed: 2 } as const;

/** The value of Action. Expired mail counts as failed, RFC 3464 §2.3.3. */
export function actionOf({ kind }: Pick<OwedRecipient, "kind">): keyof typeof CLASSES {
  return kind === "expired" ? "failed" : kind;
}

/** Whether an attempt caused the result, so that the time of the result is that of the attempt. */
function isAnswer(kind: OwedRecipient["kind"]): boolean {
  return kind === "failed" || kind === "relayed";
}

export function perMessage(
  { dsn = {}, client, acceptedAt }: OwedMail,
  { hostname, utf8 }: { readonly hostname: string; readonly utf8: boolean },
): readonly DsnField[] {
  const { envid } = dsn;
  const fields: readonly DsnField[] = [
    ...(envid === undefined ? [] : [["Original-Envelope-Id", decodeXtext(envid)] as const]),
    ["Reporting-MTA", `dns; ${hostname}`],
    ["Received-From-MTA", `dns; ${client.helo}`],
    ["Arrival-Date", mailDate(acceptedAt)],
  ];
  return fields.map((field) => sound(field, utf8));
}

export function perRecipient(
  recipient: OwedRecipient,
  { utf8, retention }: { readonly utf8: boolean; readonly retention: number },
): readonly DsnField[] {
  const { address, orcpt, kind, lastReply, destination, at } = recipient;
  const original = orcpt === undefined ? undefined : originalRecipient(orcpt);
  const fields: readonly DsnField[] = [
    ...(original === undefined ? [] : [["Original-Recipient", typed(original, utf8)] as const]),
    ["Final-Recipient", typed({ type: isPrintableAscii(address) ? "rfc822" : "utf-8", address }, utf8)],
    ["Action", actionOf(recipient)],
    ["Status", statusOf(recipient)],
    ...(destination === undefined ? [] : [["Remote-MTA", `dns; ${hostOf(destination)}`] as const]),
    ...(hasReply(lastReply) && !isOwnRefusal(lastReply)
      ? [["Diagnostic-Code", `smtp; ${lastReply}`] as const]
      : []),
    ...(isAnswer(kind) ? [["Last-Attempt-Date", mailDate(at)] as const] : []),
    ...(kind === "delayed" ? [["Will-Retry-Until", mailDate(at + retention)] as const] : []),
  ];
  return fields.map((field) => sound(field, utf8));
}

/**
 * An address with its type. RFC 6533 §3: in a seven-bit report a backslash begins an encoded character, and space,
 * plus and equals sign have a meaning in xtext, so all four are encoded.
 */
function typed(
  { type, address }: { readonly type: string; readonly address: string },
  utf8: boolean,
): string {
  const encoded = type.toLowerCase() === "utf-8" && !utf8;
  return `${type}; ${encoded ? address.replace(/[ +=\\]/g, escaped) : address}`;
}

/** Whether this text is a reply with a code, and not our own description of a lost connection. */
export function hasReply(words: string | undefined): words is string {
  return /^[2-5]\d\d(?: |$)/.test(words ?? "");
}

/** The refusals that adapters/smtp-client generates for mail that it does not send; their codes are our own. */
const OWN_REFUSAL = /^55\d 5\.(?:6\.7|3\.4) The primary /;

/** Whether the mail was refused by us, because of what the primary announces. */
export function isOwnRefusal(words: string | undefined): boolean {
  return OWN_REFUSAL.test(words ?? "");
}

/** The status code, RFC 3463: the server's own if it fits the kind, otherwise a general one of the kind's class. */
export function statusOf({ kind, lastReply, byOperator }: OwedRecipient): string {
  if (kind === "expired") return byOperator === true ? GIVEN_UP : EXPIRED;
  if (!hasReply(lastReply)) return kind === "delayed" ? NO_ANSWER : "5.0.0";
  const { code, enhanced } = parseReply(lastReply);
  const expected = CLASSES[kind];
  if (enhanced !== undefined && Number(enhanced[0]) === expected) return enhanced;
  return Math.floor(code / 100) === expected ? `${expected}.0.0` : `${expected}.4.0`;
}

/** The host of `host:port` or `[2001:db8::1]:25`; an IP address is written as an address literal. */
function hostOf(destination: string): string {
  const host = parseHostPort(destination)?.host ?? destination;
  const literal = addressLiteral(host);
  return isAddressLiteral(literal) ? literal : host;
}

function isPrintableAscii(text: string): boolean {
  return /^[\u0020-\u007e]*$/.test(text);
}

/** Limits a value to one line of whole characters. Encodes non-ASCII as in RFC 6533 §3 unless the DSN is in UTF-8. */
function sound([name, value]: DsnField, utf8: boolean): DsnField {
  let line = "";
  let octets = 0;
  for (const character of printable(value)) {
    const written = utf8 || isPrintableAscii(character) ? character : escaped(character);
    octets += Buffer.byteLength(written);
    if (octets > MAX_VALUE) break;
    line += written;
  }
  return [name, line];
}

function escaped(character: string): string {
  const point = character.codePointAt(0) ?? 0xfffd;
  return `\\x{${point.toString(16).toUpperCase()}}`;
}
