import { printable } from "../../mail/reply.ts";
import type { Fields } from "../../runtime/log.ts";

const MAX_TEXT = 1000;
const MAX_ITEMS = 20;
const MAX_DEPTH = 3;

/** Text for one log line: no control characters, no change of writing direction, bounded. */
export function plainText(text: string): string {
  const bounded = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return printable(bounded).toWellFormed();
}

/** Fields that can be cloned to another thread and written as one bounded line. */
export function plainFields(fields: Fields): Fields {
  return plain(fields, 0) as Fields;
}

function plain(value: unknown, depth: number): unknown {
  if (typeof value === "string") return plainText(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object") return isScalar(value) ? value : undefined;
  if (value === null) return null;
  if (value instanceof Error) return plainText(value.message);
  if (depth === MAX_DEPTH) return "…";
  return Array.isArray(value) ? plainList(value, depth) : plainObject(value, depth);
}

function isScalar(value: unknown): boolean {
  return typeof value === "number" || typeof value === "boolean";
}

function plainList(list: readonly unknown[], depth: number): unknown[] {
  const items = list.slice(0, MAX_ITEMS).map((item) => plain(item, depth + 1));
  return list.length > MAX_ITEMS ? [...items, `and ${list.length - MAX_ITEMS} more`] : items;
}

/** Without a prototype, so that a key such as `__proto__` is a key like any other. */
function plainObject(object: object, depth: number): object {
  const result = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(object).slice(0, MAX_ITEMS * 2))
    result[plainText(key)] = plain((object as Record<string, unknown>)[key], depth + 1);
  return result;
}
