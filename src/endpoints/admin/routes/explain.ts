/** What an SMTP client would be told, and why. Open to confined tokens, for recipients of their domain. */
import { isIP } from "node:net";
import type { Hono } from "hono";
import { parseAddress } from "../../../mail/address.ts";
import { canonicalIp } from "../../../mail/network.ts";
import type { CheckNote } from "../../../ports/journal.ts";
import { confine, readQuery, Refusal } from "../answers.ts";
import { ExplainQuery, type ExplainBody, type LookBody } from "../contract.ts";
import { quoted } from "../issue-words.ts";
import type { AdminContext, AdminEnv, AdminParts } from "../parts.ts";

export function explainRoutes(app: Hono<AdminEnv>, parts: AdminParts): void {
  app.get("/v1/explain", async (c) => c.json(await explain(c, parts)));
}

async function explain(c: AdminContext, parts: AdminParts): Promise<ExplainBody> {
  const { ip, helo, from, rcpt } = readQuery(c, ExplainQuery);
  if (isIP(ip) === 0)
    throw new Refusal("bad_request", `ip: ${quoted(ip)} is no IP address`, "write one such as 192.0.2.1");
  confine(c, parseAddress(rcpt)?.domain ?? "");
  const answer = await parts.explain({ ip: canonicalIp(ip), helo, sender: from, recipient: rcpt });
  if (answer === undefined)
    throw new Refusal("conflict", "no SMTP thread answers at the moment", "`holdfast status` shows more");
  return { ...answer, checks: answer.checks.map(lookOf) };
}

export function lookOf([check, stage, said, took, times]: CheckNote): LookBody {
  return { check, stage, said, took, times };
}
