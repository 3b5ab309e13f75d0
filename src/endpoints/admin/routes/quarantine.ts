/** Senders who are spared the quarantine. Open to confined tokens, for recipients of their domain only. */
import type { Hono } from "hono";
import { parseAddress } from "../../../mail/address.ts";
import { normaliseDomain } from "../../../mail/domain.ts";
import { confine, readBody, readQuery, Refusal, soundDomain } from "../answers.ts";
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

async function list(c: AdminContext, { senders }: AdminParts): Promise<AllowedSenderList> {
  const { domain } = c.get("caller");
  const all = await senders.allowedSenders();
  return { items: all.filter((sender) => domain === undefined || sender.domain === domain) };
}

async function allow(c: AdminContext, parts: AdminParts): Promise<AllowedSenderBody> {
  const named = subject(c, await readBody(c, NewAllowedSender));
  const allowed = { ...named, at: parts.clock.now(), who: c.get("caller").who };
  if (!(await parts.senders.allowSender(allowed)))
    throw new Refusal("conflict", `${named.sender} is allowed already`);
  record(c, parts, { verb: "quarantine sender-allow", what: named.sender });
  return allowed;
}

async function disallow(c: AdminContext, parts: AdminParts): Promise<void> {
  const named = subject(c, readQuery(c, AllowedSenderQuery));
  if (!(await parts.senders.disallowSender(named)))
    throw new Refusal("not_found", `${named.sender} is not among the allowed senders`);
  record(c, parts, { verb: "quarantine sender-forget", what: named.sender });
}

/** Whom it is about, in the spelling that is compared. */
function subject(c: AdminContext, given: NewAllowedSender): Pick<AllowedSenderBody, "sender" | "domain"> {
  const domain = given.domain === undefined ? c.get("caller").domain : soundDomain(given.domain);
  if (domain !== undefined) confine(c, domain);
  return { sender: soundSender(given.sender), ...(domain !== undefined && { domain }) };
}

function soundSender(text: string): string {
  const domain = text.startsWith("@") ? normaliseDomain(text.slice(1)) : undefined;
  const sender = domain === undefined ? parseAddress(text)?.text : `@${domain}`;
  if (sender === undefined)
    throw new Refusal("bad_request", "sender: is not an address", "write a@example.com, or @example.com");
  return sender.toLowerCase();
}

function record(
  c: AdminContext,
  { journal }: AdminParts,
  { verb, what }: { verb: string; what: string },
): void {
  journal.record({ kind: "operator.acted", verb, who: c.get("caller").who, what, count: 1 });
}
