/** Lists of recipients as operators write them: read the same way in the configuration, over HTTP and in the API. */
import { comparableLocal, MAX_PATH_OCTETS } from "./address.ts";
import { normaliseDomain } from "./domain.ts";

type EntryReading =
  /** Comparable local part, or a beginning such as `list-*`. */
  | { readonly kind: "pattern"; readonly pattern: string }
  /** An address of another domain. */
  | { readonly kind: "foreign" }
  | { readonly kind: "malformed" };

const MALFORMED: EntryReading = { kind: "malformed" };

/** Reads an entry of a list of recipients: a local part, an address of `domain`, or a beginning with `*`. */
export function readPattern(entry: string, domain: string): EntryReading {
  const at = entry.endsWith('"') ? -1 : entry.lastIndexOf("@");
  const local = at === -1 ? entry : entry.slice(0, at);
  // Half a surrogate pair has no UTF-8.
  if (Buffer.byteLength(local) > MAX_PATH_OCTETS || !local.isWellFormed()) return MALFORMED;
  const pattern = local.endsWith("*") ? beginning(local.slice(0, -1)) : whole(local);
  if (pattern === undefined) return MALFORMED;
  if (at === -1) return { kind: "pattern", pattern };
  const written = entry.slice(at + 1);
  const named = written === domain ? domain : normaliseDomain(written);
  if (named === undefined) return MALFORMED;
  return named === domain ? { kind: "pattern", pattern } : { kind: "foreign" };
}

/** A star means a beginning; one in a quoted name means itself, unless it ends the name and would be read as one. */
function whole(local: string): string | undefined {
  const comparable = comparableLocal(local);
  if (comparable?.includes("*") !== true) return comparable;
  return local.startsWith('"') && !comparable.endsWith("*") ? comparable : undefined;
}

/** A beginning such as `list-*`: it vouches for no single address. */
export function isBeginning(pattern: string): boolean {
  return pattern.endsWith("*");
}

/** A letter behind the prefix makes it a whole local part: `sales.` alone would not be one. */
function beginning(prefix: string): string | undefined {
  const sound = prefix !== "" && !prefix.includes("*");
  const comparable = sound ? comparableLocal(`${prefix}x`) : undefined;
  return comparable && `${comparable.slice(0, -1)}*`;
}

/** A line of a list without its comment: `#` begins one where it does not stand inside a name. */
export function withoutComment(line: string): string {
  return line.replace(/(^|\s)#[^]*/, "").trim();
}

/** The entries of a list in plain text, one a line. */
export function entriesOf(text: string): string[] {
  return text
    .split("\n")
    .map(withoutComment)
    .filter((line) => line !== "");
}
