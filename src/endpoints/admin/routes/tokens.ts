/** Tokens for access over TCP. */
import type { Hono } from "hono";
import { recordAct } from "../acts.ts";
import { ourDomain, readBody, Refusal, soundDomain } from "../answers.ts";
import { NewToken, type CreatedToken } from "../contract.ts";
import type { AdminContext, AdminEnv, AdminParts } from "../parts.ts";

export function tokenRoutes(app: Hono<AdminEnv>, parts: AdminParts): void {
  app.get("/v1/tokens", async (c) => c.json({ items: await parts.tokens.list() }));
  app.post("/v1/tokens", async (c) => c.json(await createToken(c, parts), 201));
  app.delete("/v1/tokens/:name", async (c) => {
    const name = c.req.param("name");
    if (!(await parts.tokens.revoke(name)))
      throw new Refusal("not_found", "there is no token of this name", "`holdfast token list` shows them");
    recordAct(c, parts, { verb: "token revoke", what: name });
    return c.body(null, 204);
  });
}

async function createToken(c: AdminContext, parts: AdminParts): Promise<CreatedToken> {
  const { name, domain } = await readBody(c, NewToken);
  // A mistyped domain would make a token that may do nothing, unnoticed until it is needed.
  const own = domain === undefined ? undefined : await ourDomain(soundDomain(domain), parts.directory);
  const created = await parts.tokens.create(name, own);
  if (created === undefined)
    throw new Refusal(
      "conflict",
      `there is a token named ${name} already`,
      "revoke it first, or take another name",
    );
  recordAct(c, parts, { verb: "token add", what: name });
  return created;
}
