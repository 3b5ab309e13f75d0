import { printable } from "../../mail/reply.ts";

const MAX_TEXT = 1000;
const MAX_ITEMS = 20;
const MAX_DEPTH = 3;
const NONE: ReadonlySet<string> = new Set();
/** Text that is plain already, as nearly all is: printable ASCII, no blanks at its ends. */
const PLAIN = /^[!-~](?:[ -~]*[!-~])?$/;

/** Text for one log line: no control characters, no change of writing direction, bounded. */
export function plainText(text: string): string {
  if (text.length <= MAX_TEXT && PLAIN.test(text)) return text;
  const bounded = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return printable(bounded).toWellFormed();
}

/** A value as JSON, bounded in depth, length and number; undefined where there is nothing to write. */
function plainJson(value: unknown, depth: number): string | undefined {
  if (typeof value === "string") return textJson(value);
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "null";
  if (typeof value === "bigint") return `"${value}"`;
  if (typeof value !== "object") return typeof value === "boolean" ? String(value) : undefined;
  if (value === null) return "null";
  if (value instanceof Error) return textJson(value.message);
  if (depth === MAX_DEPTH) return '"…"';
  return Array.isArray(value) ? listJson(value, depth) : `{${membersJson(value, depth)}}`;
}

/**
 * The members of an object as bounded JSON without its braces; those whose names, as JSON, are in `taken` are left out.
 * Made in one go: objects in between would cost more than the text.
 */
export function membersJson(object: object, depth = 0, taken: ReadonlySet<string> = NONE): string {
  let text = "";
  for (const key of Object.keys(object).slice(0, MAX_ITEMS * 2)) {
    const name = textJson(key);
    const value = taken.has(name)
      ? undefined
      : plainJson((object as Record<string, unknown>)[key], depth + 1);
    if (value !== undefined) text += `${text === "" ? "" : ","}${name}:${value}`;
  }
  return text;
}

/** What JSON.stringify makes where nothing is left to do: printable ASCII without an escape. */
const SOUND = /^[ -[\]-~]*$/;

/** The same as `membersJson` for facts made of texts, numbers and lists of them only, as events are. */
export function factsJson(facts: object): string {
  const json = JSON.stringify(facts);
  return json.length <= MAX_TEXT && SOUND.test(json) ? json.slice(1, -1) : membersJson(facts);
}

/** Text that is plain and needs no escapes, as nearly all is: no blanks at its ends, no quotes, no backslashes. */
const AS_IT_IS = /^[!#-[\]-~](?:[ !#-[\]-~]*[!#-[\]-~])?$/;

/** One text as JSON. */
export function textJson(text: string): string {
  if (text.length <= MAX_TEXT && AS_IT_IS.test(text)) return `"${text}"`;
  return JSON.stringify(plainText(text));
}

function listJson(list: readonly unknown[], depth: number): string {
  const items = list.slice(0, MAX_ITEMS).map((item) => plainJson(item, depth + 1) ?? "null");
  if (list.length > MAX_ITEMS) items.push(`"and ${list.length - MAX_ITEMS} more"`);
  return `[${items.join(",")}]`;
}
