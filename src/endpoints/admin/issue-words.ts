/** What does not fit the schema of a request, in the words of an answer. Schemas that have words of their own go first. */
import type * as z from "zod";
import { printable } from "../../mail/reply.ts";
import { counted } from "../../runtime/quantities.ts";

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
};

/** Undefined: the schema's own words will do. */
export function issueWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined) return "is missing";
      return `${shown(issue.input)} is not ${KINDS[String(issue.expected)] ?? String(issue.expected)}`;
    case "invalid_value":
      if (issue.input === undefined) return "is missing";
      return `${shown(issue.input)} is not a known value; write ${oneOf(issue.values ?? [])}`;
    case "unrecognized_keys":
      return unknownKeys(issue.keys ?? []);
    case "too_small":
      return tooSmall(issue);
    case "too_big":
      return tooBig(issue);
    default:
      return undefined;
  }
}

/** Keys that are named. */
const NAMED = 5;

function unknownKeys(keys: readonly string[]): string {
  const named = keys.slice(0, NAMED).map(shown).join(", ");
  const more = keys.length > NAMED ? ` and ${keys.length - NAMED} more` : "";
  return `${named}${more} ${keys.length === 1 ? "is" : "are"} not known here`;
}

function tooSmall({ origin, minimum, input }: z.core.$ZodRawIssue): string {
  if (origin === "string" && minimum === 1) return "is empty";
  if (origin === "string") return `is shorter than ${minimum} characters`;
  return origin === "array"
    ? `has fewer than ${minimum} entries`
    : `${shown(input)} is too small; write ${minimum} or more`;
}

function tooBig({ origin, maximum, input }: z.core.$ZodRawIssue): string {
  if (origin === "string") return `is longer than ${counted(Number(maximum), "character")}`;
  return origin === "array"
    ? `has more than ${maximum} entries`
    : `${shown(input)} is too large; write ${maximum} or less`;
}

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.join(", ")}`;
}

/** A value as it was sent, bounded; lists and mappings by their kind. */
function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "number" && Number.isNaN(value)) return "this";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "a mapping" : String(value);
}

/** What was sent, bounded, for an answer to whoever sent it. */
export function quoted(text: string): string {
  return JSON.stringify(printable(text.slice(0, 100)));
}
