/** Converts issues of the schema to remarks, and finds the valid parts of a value that is partly wrong. */
import * as z from "zod";
import { nearest } from "./nearest.ts";
import type { Remark, Path } from "./problem.ts";
import type { Endpoint } from "./shape.ts";

type Issue = z.core.$ZodIssue;

export function remarksOf(issues: readonly Issue[], base: Path = []): readonly Remark[] {
  return withoutEchoes(issues).flatMap((issue) => {
    const path = [...base, ...issue.path.map((step) => (typeof step === "number" ? step : String(step)))];
    if (issue.code === "unrecognized_keys") return unknownKeys(issue, path);
    if (issue.code === "invalid_union") return fromUnion(issue, path);
    return [remark(path, issue.message)];
  });
}

/** Counts a misspelt key as one mistake: the key that is therefore missing is not reported as well. */
function withoutEchoes(issues: readonly Issue[]): readonly Issue[] {
  const unknown = issues.filter((issue) => issue.code === "unrecognized_keys");
  const misspelt = new Set(unknown.map((issue) => JSON.stringify(issue.path)));
  return issues.filter((issue) => issue.code !== "custom" || !misspelt.has(JSON.stringify(issue.path)));
}

function remark(path: Path, text: string): Remark {
  const [wrong = "", right = "see docs/configuration.md"] = text.split("\n");
  return { path, wrong, right };
}

/** The schema's message is the list of the keys that it knows. `document.ts` has already reported `__proto__`. */
function unknownKeys(issue: z.core.$ZodIssueUnrecognizedKeys, path: Path): readonly Remark[] {
  const known = issue.message.split("\n");
  const unknown = issue.keys.filter((key) => key !== "__proto__");
  return unknown.map((key) => {
    const right = key === MERGE ? NO_MERGE : meant(key, known);
    return { path: [...path, key], wrong: "is not a known key", right, atKey: true };
  });
}

/** A key of older YAML that inserts the keys of another mapping. */
const MERGE = "<<";
const NO_MERGE = "keys are not merged: write them out, or take the other mapping as a whole (key: *name)";

function meant(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return near === undefined ? `the keys here are ${known.join(", ")}` : `did you mean ${near}?`;
}

/** Of several forms, the one of the same kind as the value was meant: only its faults are reported. */
function fromUnion(issue: z.core.$ZodIssueInvalidUnion, path: Path): readonly Remark[] {
  const meant = issue.errors.find(
    (issues) => !issues.some(({ code, path: own }) => code === "invalid_type" && own.length === 0),
  );
  return meant === undefined ? [remark(path, issue.message)] : remarksOf(meant, path);
}

export type Partly<T> = T extends readonly unknown[] | Endpoint
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Partly<T[K]> | undefined }
    : T;

/** Returns the valid parts of a value, so that keys can be checked against each other even if others are wrong. */
export function soundParts<S extends z.ZodType>(schema: S, value: unknown): Partly<z.output<S>> | undefined {
  return salvage(schema, value) as Partly<z.output<S>> | undefined;
}

function salvage(schema: z.ZodType, value: unknown): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const wanted = unwrapped(schema);
  if (wanted instanceof z.ZodArray || isText(wanted)) return undefined;
  const parts = partsOf(wanted, value as Readonly<Record<string, unknown>>);
  const sound = parts.map(([key, own, part]): [string, unknown] => [key, salvage(own, part)]);
  return Object.fromEntries(sound.filter(([, part]) => part !== undefined));
}

type Part = readonly [key: string, schema: z.ZodType, value: unknown];

function partsOf(schema: unknown, value: Readonly<Record<string, unknown>>): readonly Part[] {
  if (schema instanceof z.ZodRecord) {
    return Object.entries(value).map(([key, part]): Part => [key, schema.valueType as z.ZodType, part]);
  }
  if (!(schema instanceof z.ZodObject)) return [];
  const own = (key: string) => (Object.hasOwn(value, key) ? value[key] : undefined);
  return Object.entries(schema.shape).map(([key, part]): Part => [key, part as z.ZodType, own(key)]);
}

function isText(schema: unknown): boolean {
  return schema instanceof z.ZodPipe && schema.in instanceof z.ZodString;
}

/** Returns the schema within defaults and `optional`. */
function unwrapped(schema: unknown): unknown {
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) return unwrapped(schema.unwrap());
  return schema;
}
