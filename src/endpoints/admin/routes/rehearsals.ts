/** Test sessions with a domain's primaries: what an operator asks before the outage, and after a change. */
import type { Hono } from "hono";
import { isBeginning } from "../../../mail/recipient-pattern.ts";
import { ChannelClosed } from "../../../runtime/channel.ts";
import { ourDomain, readDomain, readQuery, Refusal } from "../answers.ts";
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
  if (recipient !== undefined && !recipient.toLowerCase().endsWith(`@${domain}`))
    throw new Refusal("bad_request", `recipient: ${quoted(recipient)} is not an address of ${domain}`);
  await ourDomain(domain, parts.directory);
  const known = recipient ?? (await someRecipient(domain, parts));
  const primaries = await parts.rehearse(domain, known).catch(whenClosed);
  if (primaries === undefined)
    throw new Refusal(
      "conflict",
      "deliveries are starting again, nothing was tested",
      "ask again in some seconds",
    );
  const ok = primaries.every(({ steps }) => steps.every(({ verdict }) => verdict !== "fail"));
  return { domain, ok, primaries };
}

/** The delivery thread has died over it, and another one starts. */
function whenClosed(error: unknown): undefined {
  if (!(error instanceof ChannelClosed)) throw error;
}

async function someRecipient(domain: string, { directory }: AdminParts): Promise<string> {
  const { items } = await directory.recipients({ domain, limit: LOOKED_AT });
  const exact = items.find(({ pattern }) => !isBeginning(pattern));
  return `${exact?.pattern ?? "postmaster"}@${domain}`;
}
