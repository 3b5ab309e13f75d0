import { comparableLocal, MAX_LOCAL_OCTETS } from "./address.ts";
import { normaliseDomain } from "./domain.ts";

export type PatternReading =
  /** Comparable local part, or a beginning such as `list-*`. */
  | { readonly kind: "pattern"; readonly pattern: string }
  /** An address of another domain. */
  | { readonly kind: "foreign" }
  | { readonly kind: "malformed" };

const MALFORMED: PatternReading = { kind: "malformed" };

/** Reads an entry of a list of recipients: a local part, an address of `domain`, or a beginning with `*`. */
export function readPattern(entry: string, domain: string): PatternReading {
  const at = entry.endsWith('"') ? -1 : entry.lastIndexOf("@");
  const local = at === -1 ? entry : entry.slice(0, at);
  if (Buffer.byteLength(local) > MAX_LOCAL_OCTETS) return MALFORMED;
  const pattern = local.endsWith("*") ? beginning(local.slice(0, -1)) : whole(local);
  if (pattern === undefined) return MALFORMED;
  if (at === -1) return { kind: "pattern", pattern };
  const named = normaliseDomain(entry.slice(at + 1));
  if (named === undefined) return MALFORMED;
  return named === domain ? { kind: "pattern", pattern } : { kind: "foreign" };
}

/** A star within a name, quoted or not, would be read as a beginning, or was meant as more than one. */
function whole(local: string): string | undefined {
  const comparable = comparableLocal(local);
  return comparable?.includes("*") === true ? undefined : comparable;
}

/** The rest of a dot-string may follow the prefix, so that `sales.*` is sound. */
function beginning(prefix: string): string | undefined {
  const sound = prefix !== "" && !prefix.includes("*") && comparableLocal(`${prefix}x`) !== undefined;
  return sound ? `${prefix.normalize("NFC").toLowerCase()}*` : undefined;
}
