import { printable } from "../../mail/reply.ts";

const MAX_TEXT = 1000;
const MAX_ITEMS = 20;
const MAX_DEPTH = 3;
const NONE: ReadonlySet<string> = new Set();
/** Matches text that needs no change, as nearly all text: printable ASCII without spaces at the ends. */
const PLAIN = /^[!-~](?:[ -~]*[!-~])?$/;

/** Returns text for one log line: shortened, without control characters or changes of writing direction. */
export function plainText(text: string): string {
  if (text.length <= MAX_TEXT && PLAIN.test(text)) return text;
  const bounded = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return printable(bounded).toWellFormed();
}

/** Returns a value as JSON, bounded in depth, length and number of items; undefined if it has no JSON form. */
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
 * Returns the members of an object as bounded JSON without braces, but not those whose names, as JSON, are in `taken`.
 * It builds the text directly, because intermediate objects would cost more than the text.
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

/** Matches JSON from JSON.stringify that needs no change: printable ASCII without escapes. */
const SOUND = /^[ -[\]-~]*$/;

/** Does the same as `membersJson`, for objects with only texts, numbers and lists of these, such as events. */
export function factsJson(facts: object): string {
  const json = JSON.stringify(facts);
  return json.length <= MAX_TEXT && SOUND.test(json) ? json.slice(1, -1) : membersJson(facts);
}

/** Matches plain text that needs no JSON escapes: no spaces at the ends, no quotes, no backslashes. */
const AS_IT_IS = /^[!#-[\]-~](?:[ !#-[\]-~]*[!#-[\]-~])?$/;

/** Returns one text as JSON. */
export function textJson(text: string): string {
  if (text.length <= MAX_TEXT && AS_IT_IS.test(text)) return `"${text}"`;
  return JSON.stringify(plainText(text));
}

function listJson(list: readonly unknown[], depth: number): string {
  const items = list.slice(0, MAX_ITEMS).map((item) => plainJson(item, depth + 1) ?? "null");
  if (list.length > MAX_ITEMS) items.push(`"and ${list.length - MAX_ITEMS} more"`);
  return `[${items.join(",")}]`;
}
