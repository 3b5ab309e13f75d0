/**
 * The key under which a recipient's mail is delivered: its domain, or, once an operator has rerouted it, the domain and
 * that host: `example.com>192.0.2.7:2525`. No domain holds a `>`.
 */

const MARK = ">";
/** Sorts right behind the mark. */
const BEHIND_MARK = "?";

/** Returns the key of mail for `domain` that is rerouted to `place`, `host:port`. */
export function reroutedKey(domain: string, place: string): string {
  return `${domain}${MARK}${place}`;
}

export function domainOfKey(key: string): string {
  const at = key.indexOf(MARK);
  return at === -1 ? key : key.slice(0, at);
}

/** Returns `host:port`; undefined if the mail goes to the domain's own primaries. */
export function placeOfKey(key: string): string | undefined {
  const at = key.indexOf(MARK);
  return at === -1 ? undefined : key.slice(at + 1);
}

/** All rerouted keys of a domain sort above the first and below the second. */
export function reroutedRange(domain: string): readonly [above: string, below: string] {
  return [`${domain}${MARK}`, `${domain}${BEHIND_MARK}`];
}
