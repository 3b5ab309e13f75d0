/** Reads a list of recipients of one domain into the form in which they are compared and stored. */
import { readPattern, withoutComment } from "../mail/recipient-pattern.ts";
import { counted } from "../runtime/quantities.ts";
import { quoted, type Fault } from "./problem.ts";

/** The most that the store takes for one domain. */
const MAX_RECIPIENTS = 1_000_000;

/** Most wrong entries of a list that are shown individually. */
const MAX_FAULTS = 20;
const LOCAL = 'write a local part such as alice, an address of the domain, or a prefix such as "list-*"';

export interface EntryFault extends Fault {
  /** Index in the list, or of the line, counted from 0. */
  readonly index: number;
}

interface Entries {
  /** Without duplicates, in the order of the list. */
  readonly recipients: readonly string[];
  /** At most MAX_FAULTS, and one more that counts the rest. */
  readonly faults: readonly EntryFault[];
}

/** Reads the lines of a file: one entry each, without blank lines and comments. */
export function readLines(text: string, domain: string): Entries {
  return readEntries(text.split("\n").map(withoutComment), domain, (line) => line === "");
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
  const rest = faults.length - MAX_FAULTS;
  const wrong = `from here on, ${counted(rest, "more entry is", "more entries are")} wrong`;
  return [...faults.slice(0, MAX_FAULTS), { index: next.index, wrong, right: LOCAL }];
}

/** Returns a comparable local part, or `prefix-*`, or the fault. */
function readEntry(entry: string, domain: string): string | Fault {
  if (entry === "") return { wrong: "the entry is empty", right: LOCAL };
  const reading = readPattern(entry, domain);
  if (reading.kind === "pattern") return reading.pattern;
  if (/^\*?(?:@|$)/.test(entry))
    return {
      wrong: `${quoted(entry)} means every address`,
      right: "write { catchAll: true } instead of the list",
    };
  return reading.kind === "malformed"
    ? { wrong: `${quoted(entry)} is not a local part`, right: LOCAL }
    : { wrong: `${quoted(entry)} is not an address of ${domain}`, right: `list addresses of ${domain} only` };
}
