/** Recipient lists, their changes, and what an SMTP client would be told. Open to confined tokens. */
import type { Hono } from "hono";
import { parseAddress } from "../../../mail/address.ts";
import { readPattern, withoutComment } from "../../../mail/recipient-pattern.ts";
import { recordAct } from "../acts.ts";
import {
  confine,
  ourDomain,
  pageOf,
  readBody,
  readDomain,
  readQuery,
  readText,
  Refusal,
} from "../answers.ts";
import {
  MAX_RECIPIENTS,
  RecipientChangeBody,
  RecipientCheckQuery,
  RecipientLinesQuery,
  RecipientQuery,
  type RecipientChanged,
  type RecipientCheckBody,
  type RecipientVerb,
} from "../contract.ts";
import { quoted } from "../issue-words.ts";
import type { AdminContext, AdminEnv, AdminParts } from "../parts.ts";

export function recipientRoutes(app: Hono<AdminEnv>, parts: AdminParts): void {
  app.get("/v1/domains/:name/recipients", async (c) => {
    const domain = await knownDomain(c, parts);
    const { limit, cursor } = readQuery(c, RecipientQuery);
    return c.json(
      await pageOf(parts.directory.recipients({ domain, limit, ...(cursor !== undefined && { cursor }) })),
    );
  });
  app.post("/v1/domains/:name/recipients", async (c) => c.json(await change(c, parts)));
  app.get("/v1/recipients/check", async (c) => c.json(await check(c, parts)));
}

async function change(c: AdminContext, parts: AdminParts): Promise<RecipientChanged> {
  const domain = await knownDomain(c, parts);
  const { verb, recipients, placeOf } = isPlainText(c) ? await readLines(c) : await readList(c);
  const patterns = soundRecipients(recipients, domain, placeOf);
  const { before, after } = await parts.editor.changeRecipients({ domain, verb, recipients: patterns });
  const count = verb === "replace" ? after : Math.abs(after - before);
  recordAct(c, parts, { verb: `recipients ${verb}`, what: domain, count });
  return { count: after, before };
}

async function check(c: AdminContext, parts: AdminParts): Promise<RecipientCheckBody> {
  const { address: given } = readQuery(c, RecipientCheckQuery);
  const address = parseAddress(given);
  if (address === undefined)
    throw new Refusal(
      "bad_request",
      `address: ${quoted(given)} is not an address`,
      "write alice@example.com",
    );
  confine(c, address.domain);
  return parts.checkRecipient(address.text);
}

async function knownDomain(c: AdminContext, parts: AdminParts): Promise<string> {
  const domain = readDomain(c);
  confine(c, domain);
  return ourDomain(domain, parts.directory);
}

function isPlainText(c: AdminContext): boolean {
  return /^text\/plain\b/i.test(c.req.header("content-type") ?? "");
}

interface Change {
  readonly verb: RecipientVerb;
  readonly recipients: readonly string[];
  readonly placeOf: PlaceOf;
}

/** Returns where a recipient stands in the request, for the error message. */
type PlaceOf = (index: number) => string;

const inList: PlaceOf = (index) => `recipients.${index}`;

async function readList(c: AdminContext): Promise<Change> {
  return { ...(await readBody(c, RecipientChangeBody)), placeOf: inList };
}

/** Reads text with one recipient per line. */
async function readLines(c: AdminContext): Promise<Change> {
  const { verb } = readQuery(c, RecipientLinesQuery);
  const recipients: string[] = [];
  const numbers: number[] = [];
  for (const [number, entry] of entriesIn(await readText(c))) {
    if (recipients.length === MAX_RECIPIENTS) throw tooMany();
    recipients.push(entry);
    numbers.push(number);
  }
  refuseNothing(verb, recipients);
  return { verb, recipients, placeOf: (index) => `line ${numbers[index]}` };
}

function tooMany(): Refusal {
  return new Refusal(
    "bad_request",
    `more than ${MAX_RECIPIENTS} recipients`,
    // This does not propose a second replacement, because it would replace the first.
    "add those beyond in further requests, or name a `file` or a `url` in the configuration, which may list 1000000",
  );
}

/** Splits one line at a time: splitting 16 MB of empty lines at once would take a gigabyte. */
function* entriesIn(text: string): Generator<readonly [number: number, entry: string]> {
  let number = 1;
  for (let at = 0; at < text.length; number++) {
    const end = text.indexOf("\n", at);
    const line = text.slice(at, end === -1 ? undefined : end);
    const entry = line === "" ? "" : withoutComment(line);
    if (entry !== "") yield [number, entry];
    at = end === -1 ? text.length : end + 1;
  }
}

/** Refuses an empty replacement, as curl sends for a missing file: all mail of the domain would be refused. */
function refuseNothing(verb: RecipientVerb, { length }: readonly string[]): void {
  if (verb !== "replace" || length > 0) return;
  throw new Refusal(
    "bad_request",
    "there is no recipient in this text, and the list stays",
    'to replace it with nothing, send JSON: {"verb": "replace", "recipients": []}',
  );
}

/** Returns local parts and `prefix-*` patterns in comparable form, without duplicates; refuses anything else. */
export function soundRecipients(
  recipients: readonly string[],
  domain: string,
  placeOf: PlaceOf = inList,
): readonly string[] {
  const sound = new Set<string>();
  for (const [index, written] of recipients.entries()) {
    const reading = readPattern(written.trim(), domain);
    if (reading.kind !== "pattern") throw unsound(written.trim(), placeOf(index), domain);
    sound.add(reading.pattern);
  }
  return [...sound];
}

function unsound(recipient: string, place: string, domain: string): Refusal {
  const every = recipient === "*" || recipient.startsWith("*@");
  const hint = every ? "a domain that takes everything is `catchAll`" : "write alice, alice@DOMAIN or list-*";
  return new Refusal("bad_request", `${place}: ${quoted(recipient)} is no recipient of ${domain}`, hint);
}
