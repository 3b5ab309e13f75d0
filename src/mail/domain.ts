import { isIPv4 } from "node:net";
import { domainToASCII, domainToUnicode } from "node:url";

/** Letters, digits and hyphens; underscores are seen in real host names and do no harm. RFC 5321 §4.1.2 */
const LABELS = /^(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*$/;

/**
 * The ASCII characters that must not occur in a domain with letters beyond ASCII. domainToASCII() is made for the hosts
 * of URLs: it takes `/`, `?` and `#` for the end of the host, drops tabs, and reads `%2E` as a dot.
 */
// oxlint-disable-next-line no-control-regex -- the ASCII range is meant
const FOREIGN_ASCII = /[\x00-,/:-@[-^`{-\x7f]/;

/**
 * Returns the spelling in which a domain is compared, stored and routed: A-labels, lower case, no trailing dot, at most
 * 253 octets. Returns undefined for a text that is not a domain (RFC 5321 §4.1.2, RFC 5890).
 */
export function normaliseDomain(text: string): string | undefined {
  const bare = text.endsWith(".") ? text.slice(0, -1) : text;
  if (bare.length > 253) return undefined;
  const ascii = isAscii(bare) ? bare.toLowerCase() : asciiOf(bare);
  return ascii.length <= 253 && LABELS.test(ascii) ? ascii : undefined;
}

/** Converts to A-labels; empty if that is impossible, or if the text is another spelling of an IPv4 address. */
function asciiOf(text: string): string {
  const ascii = FOREIGN_ASCII.test(text) ? "" : domainToASCII(text.normalize("NFC"));
  return isIPv4(ascii) ? "" : ascii;
}

/** Returns the spelling for display: U-labels if the A-labels are valid, otherwise the domain unchanged. */
export function displayDomain(domain: string): string {
  return domainToUnicode(domain) || domain;
}

/** Whether the text consists of ASCII characters only. */
export function isAscii(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- the ASCII range is meant
  return /^[\x00-\x7f]*$/.test(text);
}
