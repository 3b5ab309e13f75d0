/** Test sessions with a domain's primaries: what an operator asks before the outage, and after a change. */
import type { Hono } from "hono";
import { parseAddress } from "../../../mail/address.ts";
import { isBeginning } from "../../../mail/recipient-pattern.ts";
import { unlessEnded } from "../../../runtime/channel.ts";
import { ourDomain, readDomain, readNoBody, readQuery, Refusal } from "../answers.ts";
import { RehearsalQuery, type RehearsalBody } from "../contract.ts";
import { quoted } from "../issue-words.ts";
import type { AdminContext, AdminEnv, AdminParts } from "../parts.ts";

/** Entries of the list that are looked at for one without a wildcard. */
const LOOKED_AT = 100;

export function rehearsalRoutes(app: Hono<AdminEnv>, parts: AdminParts): void {
  app.post("/v1/domains/:name/test", async (c) => c.json(await rehearse(c, parts)));
}

async function rehearse(c: AdminContext, parts: AdminParts): Promise<RehearsalBody> {
  const domain = readDomain(c);
  const { recipient } = readQuery(c, RehearsalQuery);
  await readNoBody(c);
  const named = recipient === undefined ? undefined : soundRecipient(recipient, domain);
  await ourDomain(domain, parts.directory);
  const known = named ?? (await someRecipient(domain, parts));
  // The delivery thread may die over it, and another one starts.
  const primaries = await parts.rehearse(domain, known).catch(unlessEnded);
  if (primaries === undefined)
    throw new Refusal(
      "conflict",
      "deliveries are starting again, nothing was tested",
      "ask again in some seconds",
    );
  const ok = primaries.every(({ steps }) => steps.every(({ verdict }) => verdict !== "fail"));
  return { domain, ok, primaries };
}

/** It goes to the primary as it is: what is no address could be more than one command there. */
function soundRecipient(text: string, domain: string): string {
  const address = parseAddress(text);
  if (address?.domain === domain) return address.text;
  throw new Refusal(
    "bad_request",
    `recipient: ${quoted(text)} is not an address of ${domain}`,
    `write alice@${domain}`,
  );
}

async function someRecipient(domain: string, { directory }: AdminParts): Promise<string> {
  const { items } = await directory.recipients({ domain, limit: LOOKED_AT });
  const names = items
    .filter(({ pattern }) => !isBeginning(pattern))
    .map(({ pattern }) => `${pattern}@${domain}`);
  // One with blanks in it would need quotes.
  return names.find((name) => parseAddress(name) !== undefined) ?? `postmaster@${domain}`;
}
