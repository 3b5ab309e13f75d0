/** Access rules in addition to those of the configuration. A confined token sees and changes those of its domain. */
import type { Hono } from "hono";
import { everyClientOf, HELO_NAME, MAILBOX, NETWORK, SENDER } from "../../../mail/access-pattern.ts";
import { printable } from "../../../mail/reply.ts";
import type { AccessRule } from "../../../ports/checks.ts";
import type { StoredRule } from "../../../ports/rules.ts";
import { MOST_RULES } from "../../../services/rules/rules.ts";
import { recordAct } from "../acts.ts";
import { confine, ourDomain, readBody, Refusal, soundDomain, soundPattern } from "../answers.ts";
import { NewRule, type RuleBody, type RuleList } from "../contract.ts";
import { quoted } from "../issue-words.ts";
import type { AdminContext, AdminEnv, AdminParts } from "../parts.ts";

export function accessRoutes(app: Hono<AdminEnv>, parts: AdminParts): void {
  app.get("/v1/access", (c) => c.json(listRules(c, parts)));
  app.post("/v1/access", async (c) => c.json(await addRule(c, parts), 201));
  app.delete("/v1/access/:id", (c) => removeRule(c, parts));
}

function listRules(c: AdminContext, { rules, declaredRules }: AdminParts): RuleList {
  const own = c.get("caller").domain;
  const added = rules.list().map(shown);
  const declared = declaredRules().map((rule): RuleBody => Object.assign({ origin: "file" as const }, rule));
  return { items: [...added, ...declared].filter(({ domain }) => own === undefined || domain === own) };
}

function shown({ id, rule, createdAt, who }: StoredRule): RuleBody {
  return { id, origin: "api", createdAt, who, ...rule };
}

async function addRule(c: AdminContext, parts: AdminParts): Promise<RuleBody> {
  const { who } = c.get("caller");
  const given = await readBody(c, NewRule);
  const rule = soundRule(given, await scopeOf(c, given, parts), parts.clock.now());
  await refuseForeign(rule, parts);
  leaveRoom(c, parts);
  const stored = await parts.rules.add(rule, who);
  if (stored === undefined) throw tooMany(`there are ${MOST_RULES} rules already`);
  recordAct(c, parts, { verb: "access add", what: whatOf(stored) });
  return shown(stored);
}

/** Most rules that a domain may have when a token confined to it adds one. */
const MOST_OF_DOMAIN = 1000;

/** A confined token must not use up MOST_RULES: others could then block nobody. */
function leaveRoom(c: AdminContext, { rules }: AdminParts): void {
  const { domain } = c.get("caller");
  if (domain === undefined) return;
  const own = rules.list().filter(({ rule }) => rule.domain === domain);
  if (own.length >= MOST_OF_DOMAIN) throw tooMany(`${domain} has ${MOST_OF_DOMAIN} rules already`);
}

function tooMany(message: string): Refusal {
  return new Refusal("conflict", message, "name networks and domains, not single ones");
}

const PATTERNS = { network: NETWORK, helo: HELO_NAME, sender: SENDER, recipient: MAILBOX } as const;

function soundRule(given: NewRule, domain: string | undefined, now: number): AccessRule {
  const { action, until, note } = given;
  const names = Object.keys(PATTERNS) as (keyof typeof PATTERNS)[];
  const patterns = names.flatMap((name) => {
    const text = given[name];
    return text === undefined ? [] : [[name, soundPattern(name, text, PATTERNS[name])] as const];
  });
  if (patterns.length === 0)
    throw new Refusal(
      "bad_request",
      "the rule matches every client",
      "name a network, helo, sender or recipient",
    );
  const conditions = Object.fromEntries(patterns);
  refuseEveryClient(conditions);
  if (until !== undefined && until <= now)
    throw new Refusal("bad_request", "until: this time is over", "give a time that is to come");
  return {
    action,
    ...conditions,
    ...(domain !== undefined && { domain }),
    ...(until !== undefined && { until }),
    ...(note !== undefined && { note: printable(note) }),
  };
}

/** Refuses a rule that matches every client: it would precede all rules of the configuration that allow some. */
function refuseEveryClient(conditions: Parameters<typeof everyClientOf>[0]): void {
  const kind = everyClientOf(conditions);
  if (kind === undefined) return;
  throw new Refusal(
    "bad_request",
    `the rule fits every ${kind} client`,
    "name a smaller network; all clients but some are blocked in the configuration file, behind the rules that allow those",
  );
}

/** Refuses a recipient that is not ours: the rule would never match, and a typing error would go unnoticed. */
async function refuseForeign(
  { recipient, domain }: AccessRule,
  { directory }: Pick<AdminParts, "directory">,
): Promise<void> {
  if (recipient === undefined) return;
  const own = recipient.slice(recipient.lastIndexOf("@") + 1);
  if (domain !== undefined && own !== domain)
    throw new Refusal(
      "bad_request",
      `recipient: ${quoted(recipient)} is not in ${domain}`,
      "name a recipient of that domain",
    );
  await ourDomain(own, directory);
}

/** Returns the domain to which the rule applies; for a confined token always the token's. */
async function scopeOf(
  c: AdminContext,
  { domain: given }: NewRule,
  { directory }: AdminParts,
): Promise<string | undefined> {
  const domain = given === undefined ? c.get("caller").domain : soundDomain(given);
  if (domain === undefined) return undefined;
  confine(c, domain);
  return ourDomain(domain, directory);
}

async function removeRule(c: AdminContext, parts: AdminParts): Promise<Response> {
  const id = c.req.param("id") ?? "";
  const own = c.get("caller").domain;
  const known = parts.rules.list().find((rule) => rule.id === id);
  const mine = known !== undefined && (own === undefined || known.rule.domain === own);
  if (!mine || !(await parts.rules.remove(id)))
    throw new Refusal(
      "not_found",
      "there is no rule with this id",
      "`holdfast access list` shows them; those of the configuration file are removed there",
    );
  recordAct(c, parts, { verb: "access remove", what: whatOf(known) });
  return c.body(null, 204);
}

function whatOf({ rule: { action, network, helo, sender, recipient } }: StoredRule): string {
  return [action, network, helo, sender, recipient].filter(Boolean).join(" ");
}
