/**
 * xtext, RFC 3461 §4: ASCII without blanks, `+` and `=`, and all other octets in the form `+2B`. It encodes the values
 * of DSN parameters, XCLIENT and XFORWARD. RFC 6533 §3 adds characters beyond ASCII, as they are or as `\x{20AC}`:
 * unitext.
 */
const XTEXT = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})+$/;
const UNITEXT = /^(?:[!-*,-<>-[\]-~\u0080-\u{10ffff}]|\+[0-9A-F]{2}|\\x\{[0-9A-F]{2,6}\})+$/u;
/** Characters that xtext does not encode. */
const PLAIN = /^[!-*,-<>-~]+$/;

export function isXtext(text: string): boolean {
  return XTEXT.test(text);
}

export function isUnitext(text: string): boolean {
  return UNITEXT.test(text);
}

/** Encodes at most `most` octets of the text. */
export function encodeXtext(text: string, most: number): string {
  if (text.length <= most && PLAIN.test(text)) return text;
  const octets = Buffer.from(text).subarray(0, most);
  return Array.from(octets, (octet) => {
    const character = String.fromCharCode(octet);
    return PLAIN.test(character) ? character : `+${octet.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

/** Decodes xtext to UTF-8 text. */
export function decodeXtext(text: string): string {
  return Buffer.from(withOctets(text), "latin1").toString("utf8");
}

export function decodeUnitext(text: string): string {
  return withOctets(text).replace(/\\x\{([0-9A-F]{2,6})\}/g, (_, hex: string) => {
    const point = Number.parseInt(hex, 16);
    return point > 0x10ffff ? "\0" : String.fromCodePoint(point);
  });
}

/** Replaces each `+2B` by its octet. */
function withOctets(text: string): string {
  return text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
