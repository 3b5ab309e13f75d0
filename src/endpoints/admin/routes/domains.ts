/** Domains: what they are, how they stand, and the ones that are added through the API. */
import type { Hono } from "hono";
import type { DomainRecord } from "../../../ports/directory.ts";
import type { PrimaryStatus } from "../../../ports/health.ts";
import type { QueueCount } from "../../../ports/operator.ts";
import { readDomain, readQuery, Refusal, unknownDomain } from "../answers.ts";
import {
  PauseQuery,
  type DomainBody,
  type DomainList,
  type DomainPaused,
  type DomainRemoved,
} from "../contract.ts";
import { amountOf } from "../counting.ts";
import type { AdminContext, AdminEnv, AdminParts } from "../parts.ts";
import { addDomain, changeDomain, declared } from "./domain-settings.ts";

export function domainRoutes(app: Hono<AdminEnv>, parts: AdminParts): void {
  app.get("/v1/domains", async (c) => c.json(await listDomains(parts)));
  app.post("/v1/domains", async (c) => {
    const name = await addDomain(c, parts);
    record(c, parts, "domain add", name);
    return c.json(await showDomain(name, parts), 201);
  });
  app.patch("/v1/domains/:name", async (c) => {
    const name = await changeDomain(c, parts);
    record(c, parts, "domain change", name);
    return c.json(await showDomain(name, parts));
  });
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

async function removeDomain(c: AdminContext, parts: AdminParts): Promise<DomainRemoved> {
  const name = readDomain(c);
  const result = await parts.editor.removeDomain(name);
  if (result === "unknown") throw unknownDomain(name);
  if (result === "declared") throw declared(name, "remove");
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
