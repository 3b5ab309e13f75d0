/**
 * The smallest parts of the schema. YAML is read with every scalar as the text that was written, so `0123` stays a name
 * and `off` a word; only this file decides what a text means. A message is `what was wrong\nwhat would be right`;
 * `remarks.ts` splits it.
 */
import * as z from "zod";
import type { PatternKind } from "../mail/access-pattern.ts";
import type { TextFault } from "../mail/network.ts";
import { notations, type Notation } from "./notes.ts";
import { quoted } from "./problem.ts";

/** A value, or what is wrong with the text; and, if it differs from the usual advice, what would be right. */
export type Reading<T> = { readonly value: T } | TextFault;

export type Scalar<T> = z.ZodPipe<z.ZodString, z.ZodTransform<T, string>>;

export function scalar<T>(notation: Notation, read: (text: string) => Reading<T>): Scalar<T> {
  const right = `write ${notation.expected}`;
  const schema = z.string(instead(notation.expected)).transform((text, context): T => {
    const reading = text.trim() === "" ? { wrong: "is empty" } : read(text);
    if ("value" in reading) return reading.value;
    context.addIssue({ code: "custom", message: message(reading.wrong, reading.right ?? right) });
    return z.NEVER;
  });
  notations.add(schema, notation);
  return schema;
}

export function message(wrong: string, right: string): string {
  return `${wrong}\n${right}`;
}

/** Describes a value that is of another kind than expected. */
function kindOf(input: unknown): string {
  if (input === undefined) return "is missing";
  if (Array.isArray(input)) return "is a list";
  if (typeof input === "object" && input !== null) return "is a mapping";
  return input === "" || input === null ? "is empty" : `${quoted(String(input))} is a single value`;
}

/** A mapping with these keys only. */
export function section<S extends z.ZodRawShape>(shape: S) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? known.join("\n")
        : message(kindOf(issue.input), `write a mapping with the keys ${known.join(", ")}`),
  });
}

/** Returns the message for a value of another kind; `expected` says what to write. */
export function instead(expected: string) {
  return { error: ({ input }: { readonly input?: unknown }) => message(kindOf(input), `write ${expected}`) };
}

/** A list. */
export function listOf<S extends z.ZodType>(element: S, expected: string) {
  return z.array(element, instead(expected));
}

/** One of several forms. */
export function oneOf<const F extends readonly z.ZodType[]>(forms: F, expected: string) {
  return z.union(forms, instead(expected));
}

/** One element, or a list of at least one; `expected` names both forms. */
export function oneOrMore<S extends z.ZodType>(one: S, expected: string, element: S = one) {
  const list = listOf(element, expected).min(1, { error: message("is an empty list", `write ${expected}`) });
  return oneOf([one.transform((only) => [only]), list], expected);
}

export function choice<const W extends string>(...words: readonly W[]): Scalar<W> {
  const [only] = words;
  const expected = words.length === 1 ? String(only) : `one of ${words.join(", ")}`;
  const notation = { type: words.map((word) => `\`${word}\``).join(" or "), expected, json: { enum: words } };
  return scalar(notation, (text) => {
    const word = words.find((candidate) => candidate === text);
    return word === undefined ? { wrong: `${quoted(text)} is not a known value` } : { value: word };
  });
}

/** `off`, or a mapping; `expected` names both forms. */
export function orOff<S extends z.ZodType>(mapping: S, expected: string) {
  const off: Scalar<"off"> = scalar({ type: "`off`", expected, json: { enum: ["off"] } }, (text) =>
    text === "off" ? { value: text } : { wrong: `${quoted(text)} is not a known value` },
  );
  return oneOf([off, mapping], expected);
}

/** `true` or `false`. */
export function flag(): Scalar<boolean> {
  const notation = { type: "true or false", expected: "true or false", json: { type: "boolean" } };
  return scalar(notation, (text) => {
    if (text === "true" || text === "false") return { value: text === "true" };
    return { wrong: `${quoted(text)} is neither true nor false` };
  });
}

/** A text of a kind that the API reads, too. */
export function patterned({ expected, read }: PatternKind, type: string): Scalar<string> {
  return scalar({ type, expected, json: { type: "string" } }, (text) => {
    const reading = read(text);
    return "value" in reading ? reading : { ...reading, wrong: `${quoted(text)} ${reading.wrong}` };
  });
}

/** Any text without control characters. */
export function words(expected: string): Scalar<string> {
  return scalar({ type: "text", expected, json: { type: "string" } }, (text) =>
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    /[\x00-\x1f\x7f]/.test(text) ? { wrong: "contains control characters" } : { value: text },
  );
}
