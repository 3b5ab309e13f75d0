import { isIPv4 } from "node:net";
import { domainToASCII, domainToUnicode } from "node:url";

/** Letters, digits and hyphens; underscores are seen in real host names and do no harm. RFC 5321 §4.1.2 */
const LABELS = /^(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*$/;

/**
 * All that may stand in a domain beside letters beyond ASCII. What turns those into A-labels is made for the hosts of
 * URLs: it takes `/`, `?` and `#` for their end, drops tabs, and reads `%2E` as a dot.
 */
// oxlint-disable-next-line no-control-regex -- the ASCII range is meant
const FOREIGN_ASCII = /[\x00-,/:-@[-^`{-\x7f]/;

/**
 * The one spelling under which a domain is compared, stored and routed: A-labels, lower case, no trailing dot.
 * Returns undefined for what is not a domain (RFC 5321 §4.1.2, RFC 5890); at most 253 octets.
 */
export function normaliseDomain(text: string): string | undefined {
  const bare = text.endsWith(".") ? text.slice(0, -1) : text;
  if (bare.length > 253) return undefined;
  const ascii = isAscii(bare) ? bare.toLowerCase() : asciiOf(bare);
  return ascii.length <= 253 && LABELS.test(ascii) ? ascii : undefined;
}

/** In A-labels; empty for what has none, or is an IPv4 address in disguise. */
function asciiOf(text: string): string {
  const ascii = FOREIGN_ASCII.test(text) ? "" : domainToASCII(text.normalize("NFC"));
  return isIPv4(ascii) ? "" : ascii;
}

/** The spelling for people: U-labels where the A-labels are sound, else unchanged. */
export function displayDomain(domain: string): string {
  return domainToUnicode(domain) || domain;
}

/** No octet above 127 is needed for it. */
export function isAscii(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- the ASCII range is meant
  return /^[\x00-\x7f]*$/.test(text);
}
