/** Who exists: the lists, their changes, and what a client would be told. Open to confined tokens. */
import type { Hono } from "hono";
import { parseAddress } from "../../../mail/address.ts";
import { entriesOf, readPattern } from "../../../mail/recipient-pattern.ts";
import { recordAct } from "../acts.ts";
import {
  confine,
  ourDomain,
  pageOf,
  quoted,
  readBody,
  readDomain,
  readQuery,
  readText,
  Refusal,
} from "../answers.ts";
import {
  MAX_RECIPIENTS,
  RecipientChangeBody,
  RecipientQuery,
  RecipientVerb,
  type CountBody,
  type RecipientAnswer,
} from "../contract.ts";
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

async function change(c: AdminContext, parts: AdminParts): Promise<CountBody> {
  const domain = await knownDomain(c, parts);
  const { verb, recipients } = isPlainText(c) ? await readLines(c) : await readBody(c, RecipientChangeBody);
  const patterns = soundRecipients(recipients, domain);
  const count = await parts.editor.changeRecipients({ domain, verb, recipients: patterns });
  recordAct(c, parts, { verb: `recipients ${verb}`, what: domain, count: patterns.length });
  return { count };
}

async function check(c: AdminContext, parts: AdminParts): Promise<RecipientAnswer> {
  const address = parseAddress(c.req.query("address") ?? "");
  if (address === undefined) throw new Refusal("bad_request", "address: this is not an address");
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

/** One recipient a line. */
async function readLines(c: AdminContext): Promise<RecipientChangeBody> {
  const verb = RecipientVerb.safeParse(c.req.query("verb"));
  if (!verb.success) throw new Refusal("bad_request", "verb: one of add, remove, replace");
  const recipients = entriesOf(await readText(c));
  if (recipients.length > MAX_RECIPIENTS)
    throw new Refusal(
      "bad_request",
      `more than ${MAX_RECIPIENTS} recipients`,
      "send them in several requests",
    );
  return { verb: verb.data, recipients };
}

/** Comparable local parts and `prefix-*` patterns, without doubles; refuses the first that is neither. */
export function soundRecipients(recipients: readonly string[], domain: string): readonly string[] {
  return [...new Set(recipients.map((recipient) => soundRecipient(recipient.trim(), domain)))];
}

function soundRecipient(recipient: string, domain: string): string {
  const reading = readPattern(recipient, domain);
  if (reading.kind === "pattern") return reading.pattern;
  const every = recipient === "*" || recipient.startsWith("*@");
  const hint = every ? "a domain that takes everything is `catchAll`" : "write alice, alice@DOMAIN or list-*";
  throw new Refusal("bad_request", `${quoted(recipient)} is no recipient of ${domain}`, hint);
}
