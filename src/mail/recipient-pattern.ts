/** Lists of recipients as operators write them, read in the same way in the configuration, over HTTP and in the API. */
import { comparableLocal, MAX_PATH_OCTETS } from "./address.ts";
import { normaliseDomain } from "./domain.ts";

type EntryReading =
  /** Comparable local part, or a beginning such as `list-*`. */
  | { readonly kind: "pattern"; readonly pattern: string }
  /** An address of another domain. */
  | { readonly kind: "foreign" }
  | { readonly kind: "malformed" };

const MALFORMED: EntryReading = { kind: "malformed" };

/** Local parts of other servers may be unusual, such as `a..b`, but a text with one of these is not an address. */
const NO_ADDRESS = /[\s<>]/;

/** Reads an entry of a list of recipients: a local part, an address of `domain`, or a beginning with `*`. */
export function readPattern(entry: string, domain: string): EntryReading {
  const at = entry.endsWith('"') ? -1 : entry.lastIndexOf("@");
  const local = at === -1 ? entry : entry.slice(0, at);
  const written = at === -1 ? domain : entry.slice(at + 1);
  const named = written === domain ? domain : normaliseDomain(written);
  const foreign = named !== undefined && named !== domain && local !== "" && !NO_ADDRESS.test(local);
  if (foreign) return { kind: "foreign" };
  // Half a surrogate pair has no UTF-8.
  if (Buffer.byteLength(local) + 1 + domain.length > MAX_PATH_OCTETS || !local.isWellFormed())
    return MALFORMED;
  const pattern = local.endsWith("*") ? beginning(local.slice(0, -1)) : whole(local);
  if (pattern === undefined || named === undefined) return MALFORMED;
  return named === domain ? { kind: "pattern", pattern } : { kind: "foreign" };
}

/** Reads an entry without `*`. In a quoted name `*` is an ordinary character, except at the end of the name. */
function whole(local: string): string | undefined {
  const comparable = comparableLocal(local);
  if (comparable?.includes("*") !== true) return comparable;
  return local.startsWith('"') && !comparable.endsWith("*") ? comparable : undefined;
}

/** Whether the pattern is a beginning such as `list-*`, which proves no single address. */
export function isBeginning(pattern: string): boolean {
  return pattern.endsWith("*");
}

/** Reads a beginning. A letter is appended to check it, because `sales.` alone is not a local part. */
function beginning(prefix: string): string | undefined {
  const sound = prefix !== "" && !prefix.includes("*");
  const comparable = sound ? comparableLocal(`${prefix}x`) : undefined;
  return comparable && `${comparable.slice(0, -1)}*`;
}

/** Removes the comment from a line of a list; `#` begins a comment at the start or behind a blank. */
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
