import { isAscii, normaliseDomain } from "./domain.ts";

/** A mailbox as the envelope names it. The null sender and bare `<postmaster>` are not addresses. */
export interface Address {
  /** As it goes on the wire, without angle brackets: local part in its simplest form, its case kept; domain in A-labels. */
  readonly text: string;
  /** Local part for comparison: unquoted, lower case, NFC. */
  readonly local: string;
  /** Domain in A-labels, lower case, no trailing dot. */
  readonly domain: string;
}

/** Matches nearly all local parts, and needs no Unicode tables. */
const PLAIN = /^[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*$/;
/** RFC 5321 §4.1.2 Dot-string; RFC 6531 §3.3 adds all characters beyond ASCII. */
const DOT_STRING =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+)*$/u;
/** The same with dots anywhere. */
const DOTTED_STRING =
  /^\.*[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-][A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}.-]*$/u;
/** RFC 5321 §4.1.2 Quoted-string: printable ASCII, blanks, escaped pairs; no control characters. */
const QUOTED_STRING = /^"(?:[\x20\x21\x23-\x5b\x5d-\x7e\u0080-\u{10ffff}]|\\[\x20-\x7e])*"$/u;

/**
 * RFC 5321 §4.5.3.1.3, without brackets. Local parts have no limit of their own: the 64 octets of §4.5.3.1.1 are the
 * least that every server must accept, and lists and forwarders generate longer ones.
 */
export const MAX_PATH_OCTETS = 254;

const KELVIN_SIGN = "\u212a";
/** Runs without the characters that NFC would turn into ASCII: GREEK QUESTION MARK, GREEK VARIA and KELVIN SIGN. */
const COMPOSABLE = /[^\u037e\u1fef\u212a]+/gu;

/**
 * Parses `local@domain` (no angle brackets, no source route). Returns undefined for a text that the grammar of
 * RFC 5321 §4.1.2 and RFC 6531 §3.3 does not allow, and for address literals, because a backup MX serves domains.
 */
export function parseAddress(text: string): Address | undefined {
  const at = text.lastIndexOf("@");
  if (at < 1) return undefined;
  const written = text.slice(0, at);
  const sound = contentOf(written);
  const content = sound ?? dottedContentOf(written);
  const domain = normaliseDomain(text.slice(at + 1));
  if (content === undefined || domain === undefined) return undefined;
  const local = sound === written ? written : simplestFormOf(content);
  if (octetsOf(local) + 1 + domain.length > MAX_PATH_OCTETS) return undefined;
  return { text: `${local}@${domain}`, local: foldCase(content), domain };
}

function octetsOf(text: string): number {
  return isAscii(text) ? text.length : Buffer.byteLength(text);
}

/** Returns a local part in the form in which all spellings of a mailbox are equal; undefined if it is malformed. */
export function comparableLocal(rawLocal: string): string | undefined {
  const content = contentOf(rawLocal);
  return content === undefined ? undefined : foldCase(content);
}

/** Returns a local part without quotes and escapes, in NFC; undefined if it is malformed. */
function contentOf(rawLocal: string): string | undefined {
  if (PLAIN.test(rawLocal)) return rawLocal;
  if (DOT_STRING.test(rawLocal)) return composed(rawLocal);
  return QUOTED_STRING.test(rawLocal) ? composed(rawLocal.slice(1, -1).replace(/\\(.)/gu, "$1")) : undefined;
}

/**
 * Accepts `a..b` and `a.`: large providers have given such addresses to people, and other servers accept them unquoted.
 * They are passed on quoted, which makes them valid.
 */
function dottedContentOf(rawLocal: string): string | undefined {
  return DOTTED_STRING.test(rawLocal) ? composed(rawLocal) : undefined;
}

/**
 * Returns the simplest form, which RFC 5321 §4.1.2 demands, and the only one that some primaries know. All spellings of
 * a mailbox are sent in this form, so that a primary's reply to one is valid for the mailbox.
 */
function simplestFormOf(content: string): string {
  return DOT_STRING.test(content) ? content : `"${content.replace(/["\\]/g, "\\$&")}"`;
}

/** Converts to NFC, but no other character into ASCII: `mi\u212ae` must not become `mike`. */
function composed(text: string): string {
  return isAscii(text) ? text : text.replace(COMPOSABLE, (run) => run.normalize("NFC"));
}

/** Converts to lower case, but no other character into ASCII; only the Kelvin sign would become an ASCII letter. */
export function foldCase(text: string): string {
  return text.includes(KELVIN_SIGN)
    ? text.replace(/[^\u212a]+/gu, (run) => run.toLowerCase())
    : text.toLowerCase();
}

/** Whether there are capitals beyond ASCII. Not every primary folds them: it may refuse `ÉLODIE` and have `élodie`. */
export function hasForeignCapitals(text: string): boolean {
  return !isAscii(text) && text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) !== foldCase(text);
}

/** Returns a mailbox as an address, from its comparable form. */
export function mailboxText({ local, domain }: Pick<Address, "local" | "domain">): string {
  return `${simplestFormOf(local)}@${domain}`;
}

/** Returns the key under which a mailbox is remembered: its comparable form, which is unique to it. */
export function mailboxKey({ local, domain }: Pick<Address, "local" | "domain">): string {
  return `${local}@${domain}`;
}

/** The same for an address as text; a text that is not an address is only converted to lower case. */
export function mailboxKeyOf(text: string): string {
  const address = parseAddress(text);
  return address === undefined ? foldCase(text) : mailboxKey(address);
}

/**
 * Whether a local part requests relaying: `user%other@us`, `other!user@us`, `"a@b"@us`.
 * These forms are refused whatever the domain, RFC 5321 §4.1.1.3 and the relay probes of old.
 */
export function looksLikeRelayProbe(address: Address): boolean {
  return /[%!@]/.test(address.local);
}

/** Whether sending to this address needs SMTPUTF8 from the next hop (RFC 6531 §3.2). */
export function needsSmtpUtf8(text: string): boolean {
  return !isAscii(text);
}
