/** Recipients of one domain as the operator lists them, in the form in which they are compared and stored. */
import { comparableLocal, parseAddress } from "../mail/address.ts";
import { quoted } from "./problem.ts";

/** As many as the store takes for one domain. */
export const MAX_RECIPIENTS = 1_000_000;

const MAX_FAULTS = 20;
const MAX_LOCAL_OCTETS = 64;
const LOCAL = 'write a local part such as alice, an address of the domain, or a beginning such as "list-*"';

export interface EntryFault {
  /** Index in the list, or of the line, from 0. */
  readonly index: number;
  readonly wrong: string;
  readonly right: string;
}

export interface Entries {
  /** Without doubles, in the order of the list. */
  readonly recipients: readonly string[];
  /** At most 20, and one more that counts the rest. */
  readonly faults: readonly EntryFault[];
}

/** Lines of a file: one entry each, blank lines and what follows a `#` left out. */
export function readLines(text: string, domain: string): Entries {
  const lines = text.split("\n").map((line) => {
    const hash = line.search(/(^|\s)#/);
    return (hash === -1 ? line : line.slice(0, hash)).trim();
  });
  return readEntries(lines, domain, (line) => line === "");
}

export function readEntries(
  list: readonly string[],
  domain: string,
  skip: (entry: string) => boolean = () => false,
): Entries {
  const recipients = new Set<string>();
  const faults: EntryFault[] = [];
  for (const [index, entry] of list.entries()) {
    if (skip(entry)) continue;
    const read = readEntry(entry.trim(), domain);
    if (typeof read === "string") recipients.add(read);
    else faults.push({ index, ...read });
  }
  if (recipients.size > MAX_RECIPIENTS) faults.unshift(tooMany(recipients.size));
  return { recipients: [...recipients], faults: bounded(faults) };
}

function tooMany(count: number): EntryFault {
  const right = `list at most ${MAX_RECIPIENTS}, or write { catchAll: true }`;
  return { index: 0, wrong: `the list has ${count} recipients`, right };
}

function bounded(faults: readonly EntryFault[]): readonly EntryFault[] {
  const next = faults[MAX_FAULTS];
  if (next === undefined) return faults;
  const wrong = `${faults.length - MAX_FAULTS} more entries are wrong from here on`;
  return [...faults.slice(0, MAX_FAULTS), { index: next.index, wrong, right: LOCAL }];
}

/** A comparable local part, or `prefix-*`, or what is wrong. */
function readEntry(entry: string, domain: string): string | Omit<EntryFault, "index"> {
  const local = localPart(entry, domain);
  if (typeof local !== "string") return local;
  if (local === "*" || local === "")
    return {
      wrong: `${quoted(entry)} means every address`,
      right: "write { catchAll: true } instead of the list",
    };
  const read = local.endsWith("*") ? prefix(local.slice(0, -1)) : exact(local);
  if (read === undefined || Buffer.byteLength(local) > MAX_LOCAL_OCTETS)
    return { wrong: `${quoted(entry)} is not a local part`, right: LOCAL };
  return read;
}

/** What stands before the @ of an address of this domain; an entry without an @ as it is. */
function localPart(entry: string, domain: string): string | Omit<EntryFault, "index"> {
  if (entry === "") return { wrong: "the entry is empty", right: LOCAL };
  const at = entry.endsWith('"') ? -1 : entry.lastIndexOf("@");
  if (at === -1) return entry;
  const written = entry.slice(at + 1);
  if (written === domain || parseAddress(`x@${written}`)?.domain === domain) return entry.slice(0, at);
  return {
    wrong: `${quoted(entry)} is not an address of ${domain}`,
    right: `list addresses of ${domain} only`,
  };
}

function exact(local: string): string | undefined {
  const comparable = comparableLocal(local);
  const unquoted = !local.startsWith('"');
  // A star has one meaning in a list; the rare mailbox with a star in its name needs catchAll.
  return comparable?.includes("*") === true && (unquoted || comparable.endsWith("*"))
    ? undefined
    : comparable;
}

/** A letter after the prefix makes it a whole local part: `list.` alone would not be one. */
function prefix(start: string): string | undefined {
  const whole = start.includes("*") ? undefined : comparableLocal(`${start}x`);
  return whole === undefined ? undefined : `${whole.slice(0, -1)}*`;
}
