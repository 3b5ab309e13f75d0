/** Domains: what they are, how they stand, and the ones that are added through the API. */
import type { Hono } from "hono";
import type { DeclaredDomain, DomainRecord, Primary } from "../../../ports/directory.ts";
import type { PrimaryStatus } from "../../../ports/health.ts";
import type { QueueCount } from "../../../ports/operator.ts";
import { readBody, readDomain, readQuery, Refusal, soundDomain, unknownDomain } from "../answers.ts";
import {
  NewDomain,
  PauseQuery,
  type DomainBody,
  type DomainList,
  type DomainPaused,
  type DomainRemoved,
  type PrimaryBody,
} from "../contract.ts";
import { amountOf } from "../counting.ts";
import type { DomainChecksBody } from "../checks-bodies.ts";
import type { AdminContext, AdminEnv, AdminParts } from "../parts.ts";
import { soundRecipients } from "./recipients.ts";

export function domainRoutes(app: Hono<AdminEnv>, parts: AdminParts): void {
  app.get("/v1/domains", async (c) => c.json(await listDomains(parts)));
  app.post("/v1/domains", async (c) => c.json(await addDomain(c, parts), 201));
  app.get("/v1/domains/:name", async (c) => c.json(await showDomain(readDomain(c), parts)));
  app.delete("/v1/domains/:name", async (c) => c.json(await removeDomain(c, parts)));
  app.post("/v1/domains/:name/pause", async (c) => c.json(await pause(c, parts)));
  app.post("/v1/domains/:name/resume", async (c) => c.json(await resume(c, parts)));
}

async function listDomains({
  directory,
  queue,
  primaries,
  fetched,
  status,
}: AdminParts): Promise<DomainList> {
  const [records, counts, states] = await Promise.all([directory.domains(), queue.counts(), primaries()]);
  const { notices } = status();
  const now = { primaries: states, fetched };
  return { items: records.map((record) => Object.assign(view(record, counts, now), { notices })) };
}

async function showDomain(name: string, parts: AdminParts): Promise<DomainBody> {
  const domain = (await listDomains(parts)).items.find((item) => item.name === name);
  if (domain === undefined) throw unknownDomain(name);
  return domain;
}

function view(
  record: DomainRecord,
  counts: readonly QueueCount[],
  { primaries, fetched }: { primaries: readonly PrimaryStatus[]; fetched: AdminParts["fetched"] },
): Omit<DomainBody, "notices"> {
  const { name, origin, settings, list, paused, pausedUntil, draining } = record;
  const status = fetched?.(name);
  return {
    name,
    origin,
    settings,
    declaredList: list !== undefined,
    ...(status !== undefined && { fetched: status }),
    paused,
    ...(pausedUntil !== undefined && { pausedUntil }),
    draining,
    ...amountOf(counts, name),
    primaries: primaries
      .filter((primary) => primary.domains.includes(name))
      .map((primary) => ofDomain(primary, name)),
  };
}

/** Probations of other domains at the same primary are left out. */
function ofDomain(primary: PrimaryStatus, name: string): PrimaryStatus {
  const { probation = [], acceptAll = [], ...rest } = primary;
  const own = probation.filter(({ domain }) => domain === name);
  return {
    ...rest,
    ...(own.length > 0 && { probation: own }),
    ...(acceptAll.includes(name) && { acceptAll: [name] }),
  };
}

async function addDomain(c: AdminContext, parts: AdminParts): Promise<DomainBody> {
  const { name, recipients, primaries, ...given } = await readBody(c, NewDomain);
  // As in the configuration file: where there is a list, it is taken for complete.
  if (given.catchAll && given.callout === true)
    throw new Refusal("bad_request", "callout: with `catchAll` every address exists, and nobody is asked");
  const open = given.catchAll || given.callout === true;
  const unknownDuringOutage = given.unknownDuringOutage ?? (open ? "accept" : "reject");
  const domain = soundDomain(name);
  refuseAway(given);
  const declared: DeclaredDomain = {
    name: domain,
    settings: { ...given, unknownDuringOutage, primaries: primaries.map(soundPrimary) },
  };
  await refuseKnown(domain, parts);
  const patterns = recipients === undefined ? [] : soundRecipients(recipients, domain);
  await parts.editor.addDomain(declared);
  if (patterns.length > 0)
    await parts.editor.changeRecipients({ domain, verb: "replace", recipients: patterns });
  record(c, parts, "domain add", domain);
  return showDomain(domain, parts);
}

function refuseAway({ mode, checks }: { mode: string; checks?: DomainChecksBody }): void {
  const { reachability = "off" } = checks ?? {};
  if (mode !== "reflector" || reachability === "off") return;
  throw new Refusal(
    "bad_request",
    "checks.reachability: a reflector is the only MX: there is no other server to send clients to",
  );
}

async function refuseKnown(name: string, { directory }: AdminParts): Promise<void> {
  const known = (await directory.domains()).find((domain) => domain.name === name);
  if (known === undefined) return;
  const where = known.origin === "file" ? "in the configuration file" : "through the API";
  throw new Refusal("conflict", `${name} exists already, added ${where}`);
}

const HOST = /^[A-Za-z0-9._:-]+$/;

function soundPrimary(primary: PrimaryBody): Primary {
  if ((primary.tls === "pin") !== (primary.pins !== undefined))
    throw new Refusal("bad_request", "primaries: `tls: pin` and `pins` need each other");
  if (primary.mx === true && primary.host === "") return primary;
  if (primary.mx !== true && HOST.test(primary.host)) return { ...primary, host: primary.host.toLowerCase() };
  throw new Refusal(
    "bad_request",
    "primaries: each has a host name or address, or `mx: true` without a host",
  );
}

async function removeDomain(c: AdminContext, parts: AdminParts): Promise<DomainRemoved> {
  const name = readDomain(c);
  const result = await parts.editor.removeDomain(name);
  if (result === "unknown") throw unknownDomain(name);
  if (result === "declared")
    throw new Refusal(
      "conflict",
      `${name} is declared in the configuration file`,
      "remove it there, then run `holdfast reload`",
    );
  record(c, parts, "domain remove", name);
  return { result };
}

async function pause(c: AdminContext, parts: AdminParts): Promise<DomainPaused> {
  const name = readDomain(c);
  const { until } = readQuery(c, PauseQuery);
  if (until !== undefined && until <= parts.clock.now())
    throw new Refusal("bad_request", "until: that time is over", "name a time to come, in ms since 1970");
  if (!(await parts.editor.setPaused(name, true, until))) throw unknownDomain(name);
  record(c, parts, "domain pause", name);
  return { name, paused: true, ...(until !== undefined && { until }) };
}

async function resume(c: AdminContext, parts: AdminParts): Promise<DomainPaused> {
  const name = readDomain(c);
  if (!(await parts.editor.setPaused(name, false))) throw unknownDomain(name);
  await parts.resume(name);
  record(c, parts, "domain resume", name);
  return { name, paused: false };
}

function record(c: AdminContext, { journal }: AdminParts, verb: string, what: string): void {
  journal.record({ kind: "operator.acted", verb, who: c.get("caller").who, what, count: 1 });
}
