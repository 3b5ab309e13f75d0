/** Error messages for requests that do not fit their schema. A message in the schema itself takes precedence. */
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

/** Returns undefined if the default message is good enough. */
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

/** Unknown keys that a message names. */
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

/** Shows a value as it was sent, shortened; a list or mapping is named by its kind only. */
function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "number" && Number.isNaN(value)) return "this";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "a mapping" : String(value);
}

/** Quotes text from a request in the answer: shortened, without control characters. */
export function quoted(text: string): string {
  return JSON.stringify(printable(text.slice(0, 100)));
}
