/** Test sessions with a domain's primaries, for use before an outage and after a change. */
import type { Hono } from "hono";
import { parseAddress } from "../../../mail/address.ts";
import { isBeginning } from "../../../mail/recipient-pattern.ts";
import { unlessEnded } from "../../../runtime/channel.ts";
import { ourDomain, readDomain, readNoBody, readQuery, Refusal } from "../answers.ts";
import { RehearsalQuery, type RehearsalBody } from "../contract.ts";
import { quoted } from "../issue-words.ts";
import type { AdminContext, AdminEnv, AdminParts } from "../parts.ts";

/** Entries of the list among which one without a wildcard is searched. */
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
  // The delivery thread may end during the test; another one is then started.
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

/** Refuses what is not an address: it is sent to the primary, where it could inject commands. */
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
  // A local part with spaces is no valid address without quotes.
  return names.find((name) => parseAddress(name) !== undefined) ?? `postmaster@${domain}`;
}
