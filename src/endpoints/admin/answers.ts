/** Writes errors as JSON, and reads requests according to the contract. */
import { isUtf8 } from "node:buffer";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import * as z from "zod";
import type { PatternKind } from "../../mail/access-pattern.ts";
import { normaliseDomain } from "../../mail/domain.ts";
import type { DirectoryBrowser } from "../../ports/directory.ts";
import { FOREIGN_CURSOR } from "../../ports/page.ts";
import type { AdminContext } from "./parts.ts";
import { issueWords, quoted } from "./issue-words.ts";
import { hasMoreParts, repeatedKey } from "./json-text.ts";
import { MAX_BODY, type ErrorBody, type ErrorCode } from "./contract.ts";

const STATUS: Readonly<Record<ErrorCode, ContentfulStatusCode>> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  too_large: 413,
  too_many_attempts: 429,
  busy: 429,
  timeout: 504,
  damaged: 500,
  internal: 500,
};

/** Thrown to refuse a request; the application turns it into the JSON error. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, hint?: string) {
    super(message);
    this.name = "Refusal";
    this.code = code;
    this.hint = hint;
  }
}

export function answerRefusal(c: AdminContext, { code, message, hint }: Refusal): Response {
  const body: ErrorBody = { error: { code, message, ...(hint !== undefined && { hint }) } };
  return c.json(body, STATUS[code]);
}

/** Reads the request's JSON body according to the schema. */
export async function readBody<T>(c: AdminContext, schema: z.ZodType<T>): Promise<T> {
  return parseJson(await readText(c), schema);
}

/**
 * Reads the request's body as text. A body larger than MAX_BODY is refused as early as possible, whether or not
 * Content-Length announced it. A body that is not UTF-8 is refused: decoding it anyway would change the names in it.
 */
export async function readText(c: AdminContext): Promise<string> {
  const { body, headers } = c.req.raw;
  if (Number(headers.get("content-length") ?? 0) > MAX_BODY) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > MAX_BODY) throw tooLarge();
    chunks.push(chunk);
  }
  const octets = Buffer.concat(chunks);
  if (!isUtf8(octets)) throw new Refusal("bad_request", "the body is not UTF-8");
  return octets.toString("utf8");
}

function tooLarge(): Refusal {
  return new Refusal("too_large", `the body is larger than ${MAX_BODY} bytes`);
}

/** For requests that use no body: refuses one that has content, which would otherwise be ignored. */
export async function readNoBody(c: AdminContext): Promise<void> {
  const text = await readText(c);
  if (text.trim() !== "") parseJson(text, z.strictObject({}));
}

/** Reads the request's query according to the schema. Refuses repeated keys: all values but one would be ignored. */
export function readQuery<T>(c: AdminContext, schema: z.ZodType<T>): T {
  for (const [key, { length }] of Object.entries(c.req.queries()))
    if (length > 1)
      throw new Refusal("bad_request", `${quoted(key)} is given ${length} times`, "give it once");
  return parse(schema, c.req.query());
}

/** Returns the page, or refuses the request if its cursor does not belong to this list. */
export async function pageOf<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if ((error as Error).message !== FOREIGN_CURSOR) throw error;
    throw new Refusal("bad_request", `cursor: ${FOREIGN_CURSOR}`, "hand back the `next` of the page before");
  }
}

/** The domain named in the path. */
export function readDomain(c: AdminContext): string {
  return soundDomain(c.req.param("name") ?? "");
}

export function soundDomain(name: string): string {
  return normaliseDomain(name) ?? refuseName(name);
}

export function refuseName(name: string): never {
  throw new Refusal(
    "bad_request",
    `${quoted(name)} is not a domain name`,
    "write a name such as example.com",
  );
}

export function unknownDomain(name: string): Refusal {
  return new Refusal("not_found", `${name} is not one of our domains`, "`holdfast domain list` shows them");
}

/** Returns the same name if it is one of our domains; otherwise throws a 404. */
export async function ourDomain(name: string, directory: Pick<DirectoryBrowser, "domain">): Promise<string> {
  if ((await directory.domain(name)) === undefined) throw unknownDomain(name);
  return name;
}

/** Returns the pattern in its comparable form. `name` is its key in the request, for the error message. */
export function soundPattern(name: string, text: string, { read, expected }: PatternKind): string {
  const reading = read(text);
  if ("value" in reading) return reading.value;
  const { wrong, right = `write ${expected}` } = reading;
  throw new Refusal("bad_request", `${name}: ${quoted(text)} ${wrong}`, right);
}

/** Refuses a token that is confined to another domain. */
export function confine(c: AdminContext, domain: string): void {
  const own = c.get("caller").domain;
  if (own !== undefined && own !== domain)
    throw new Refusal("forbidden", `this token is confined to ${own}`, "use a token without --domain");
}

/** Looks for repeated keys last: a body that fits the schema has few different keys, so the search is cheap. */
function parseJson<T>(text: string, schema: z.ZodType<T>): T {
  const data = parse(schema, jsonOf(text));
  const again = repeatedKey(text);
  if (again === undefined) return data;
  throw new Refusal("bad_request", `${quoted(again)} is given twice`, "give it once");
}

/** Lists, mappings and keys in one body. The entries of a recipient list are texts and do not count. */
const MOST_PARTS = 10_000;

function jsonOf(text: string): unknown {
  if (hasMoreParts(text, MOST_PARTS))
    throw new Refusal("bad_request", `the body has more than ${MOST_PARTS} lists, mappings and keys`);
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal("bad_request", "the body is not JSON");
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value, { error: issueWords });
  if (result.success) return result.data;
  const { path, message } = deepest(result.error.issues[0]);
  const where = path.join(".");
  throw new Refusal("bad_request", where === "" ? message : `${where}: ${message}`, "see docs/api.md");
}

interface SchemaFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** If a value may have several forms, returns the fault of the form that matches to the greatest depth. */
function deepest(issue: z.core.$ZodIssue | undefined): SchemaFault {
  if (issue === undefined) return { path: [], message: "does not fit" };
  if (issue.code !== "invalid_union") return issue;
  const forms = issue.errors.flatMap(([first]) => (first === undefined ? [] : [deepest(first)]));
  const furthest = forms.toSorted((a, b) => b.path.length - a.path.length)[0];
  if (furthest === undefined || furthest.path.length === 0) return issue;
  return { path: [...issue.path, ...furthest.path], message: furthest.message };
}
