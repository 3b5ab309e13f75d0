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

/** What nearly all local parts are: read without the Unicode tables. */
const PLAIN = /^[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*$/;
/** RFC 5321 §4.1.2 Dot-string; RFC 6531 §3.3 adds all that is not ASCII. */
const DOT_STRING =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+)*$/u;
/** The same with dots anywhere. */
const DOTTED_STRING =
  /^\.*[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-][A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}.-]*$/u;
/** RFC 5321 §4.1.2 Quoted-string: printable ASCII, blanks, escaped pairs; no control characters. */
const QUOTED_STRING = /^"(?:[\x20\x21\x23-\x5b\x5d-\x7e\u0080-\u{10ffff}]|\\[\x20-\x7e])*"$/u;

/**
 * RFC 5321 §4.5.3.1.3, without brackets. Local parts have no bound of their own: the 64 octets of §4.5.3.1.1 are what all
 * must take, and those that lists and forwarders make of other addresses are longer.
 */
export const MAX_PATH_OCTETS = 254;

const KELVIN_SIGN = "\u212a";
/** All but the characters of which NFC would make ASCII: GREEK QUESTION MARK, GREEK VARIA and KELVIN SIGN. */
const COMPOSABLE = /[^\u037e\u1fef\u212a]+/gu;

/**
 * Reads `local@domain` (no angle brackets, no source route). Returns undefined for what the grammar of
 * RFC 5321 §4.1.2 and RFC 6531 §3.3 does not allow, and for address literals: a backup MX serves domains.
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

/** The local part under which two spellings of one mailbox compare equal; undefined when it is malformed. */
export function comparableLocal(rawLocal: string): string | undefined {
  const content = contentOf(rawLocal);
  return content === undefined ? undefined : foldCase(content);
}

/** A local part without quotes and escapes, in NFC; undefined when it is malformed. */
function contentOf(rawLocal: string): string | undefined {
  if (PLAIN.test(rawLocal)) return rawLocal;
  if (DOT_STRING.test(rawLocal)) return composed(rawLocal);
  return QUOTED_STRING.test(rawLocal) ? composed(rawLocal.slice(1, -1).replace(/\\(.)/gu, "$1")) : undefined;
}

/**
 * `a..b` and `a.` are addresses of real people at large providers, and are sent unquoted, which other servers take. They
 * go on quoted, and so are sound.
 */
function dottedContentOf(rawLocal: string): string | undefined {
  return DOTTED_STRING.test(rawLocal) ? composed(rawLocal) : undefined;
}

/**
 * The form that RFC 5321 §4.1.2 asks for, and the only one that some primaries know. All spellings of a mailbox get
 * it, so that what a primary says to one is true of the mailbox.
 */
function simplestFormOf(content: string): string {
  return DOT_STRING.test(content) ? content : `"${content.replace(/["\\]/g, "\\$&")}"`;
}

/** In NFC, but never making ASCII of what was none: a stranger could write `mi\u212ae` and be taken for mike. */
function composed(text: string): string {
  return isAscii(text) ? text : text.replace(COMPOSABLE, (run) => run.normalize("NFC"));
}

/** In lower case, but never making ASCII of what was none: of all characters, only the Kelvin sign would become a letter of it. */
export function foldCase(text: string): string {
  return text.includes(KELVIN_SIGN)
    ? text.replace(/[^\u212a]+/gu, (run) => run.toLowerCase())
    : text.toLowerCase();
}

/** Whether there are capitals beyond ASCII. Not every primary folds them: refusing `ÉLODIE`, it may well have `élodie`. */
export function hasForeignCapitals(text: string): boolean {
  return !isAscii(text) && text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) !== foldCase(text);
}

/** A mailbox as text by its comparable form. */
export function mailboxText({ local, domain }: Pick<Address, "local" | "domain">): string {
  return `${simplestFormOf(local)}@${domain}`;
}

/** The key under which a mailbox is remembered: its comparable form; two mailboxes never share one. */
export function mailboxKey({ local, domain }: Pick<Address, "local" | "domain">): string {
  return `${local}@${domain}`;
}

/** The same for an address as text; what is no address is only put into lower case. */
export function mailboxKeyOf(text: string): string {
  const address = parseAddress(text);
  return address === undefined ? foldCase(text) : mailboxKey(address);
}

/**
 * Whether a mailbox name asks us to relay onwards: `user%other@us`, `other!user@us`, `"a@b"@us`.
 * These forms are refused whatever the domain, RFC 5321 §4.1.1.3 and the relay probes of old.
 */
export function looksLikeRelayProbe(address: Address): boolean {
  return /[%!@]/.test(address.local);
}

/** Whether sending to this address needs SMTPUTF8 from the next hop (RFC 6531 §3.2). */
export function needsSmtpUtf8(text: string): boolean {
  return !isAscii(text);
}
