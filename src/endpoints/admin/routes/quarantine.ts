/** Senders whose mail is never quarantined. Open to confined tokens, for recipients of their domain only. */
import type { Hono } from "hono";
import { MAILBOX } from "../../../mail/access-pattern.ts";
import { recordAct } from "../acts.ts";
import { confine, ourDomain, readBody, readQuery, Refusal, soundDomain, soundPattern } from "../answers.ts";
import {
  AllowedSenderQuery,
  NewAllowedSender,
  type AllowedSenderBody,
  type AllowedSenderList,
} from "../contract.ts";
import type { AdminContext, AdminEnv, AdminParts } from "../parts.ts";

export function quarantineRoutes(app: Hono<AdminEnv>, parts: AdminParts): void {
  app.get("/v1/quarantine/senders", async (c) => c.json(await list(c, parts)));
  app.post("/v1/quarantine/senders", async (c) => c.json(await allow(c, parts), 201));
  app.delete("/v1/quarantine/senders", async (c) => {
    await disallow(c, parts);
    return c.body(null, 204);
  });
}

/** Most senders that a domain may allow when a token confined to it adds one. */
const MOST_OF_DOMAIN = 10_000;

/** For a confined token, those of its domain. */
async function list(c: AdminContext, { senders }: AdminParts): Promise<AllowedSenderList> {
  const { domain } = c.get("caller");
  const all = await senders.allowedSenders();
  return { items: all.filter((sender) => domain === undefined || sender.domain === domain) };
}

/** A confined token must not fill the disk. */
async function leaveRoom(c: AdminContext, parts: AdminParts): Promise<void> {
  const { domain } = c.get("caller");
  if (domain === undefined || (await list(c, parts)).items.length < MOST_OF_DOMAIN) return;
  throw new Refusal(
    "conflict",
    `${domain} allows ${MOST_OF_DOMAIN} senders already`,
    "name domains, not single addresses",
  );
}

async function allow(c: AdminContext, parts: AdminParts): Promise<AllowedSenderBody> {
  const named = subject(c, await readBody(c, NewAllowedSender));
  if (named.domain !== undefined) await ourDomain(named.domain, parts.directory);
  await leaveRoom(c, parts);
  const allowed = { ...named, at: parts.clock.now(), who: c.get("caller").who };
  if (!(await parts.senders.allowSender(allowed)))
    throw new Refusal("conflict", `${named.sender} is allowed already`);
  recordAct(c, parts, { verb: "quarantine sender-allow", what: named.sender });
  return allowed;
}

async function disallow(c: AdminContext, parts: AdminParts): Promise<void> {
  const named = subject(c, readQuery(c, AllowedSenderQuery));
  if (!(await parts.senders.disallowSender(named)))
    throw new Refusal(
      "not_found",
      `${named.sender} is not among the allowed senders`,
      "`holdfast quarantine senders` shows them",
    );
  recordAct(c, parts, { verb: "quarantine sender-forget", what: named.sender });
}

/** Returns the sender and the domain of the request in their comparable form. */
function subject(c: AdminContext, given: NewAllowedSender): Pick<AllowedSenderBody, "sender" | "domain"> {
  const domain = given.domain === undefined ? c.get("caller").domain : soundDomain(given.domain);
  if (domain !== undefined) confine(c, domain);
  const sender = soundPattern("sender", given.sender, MAILBOX);
  return { sender, ...(domain !== undefined && { domain }) };
}
