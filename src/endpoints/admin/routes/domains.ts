/** Domains: their settings and state, and changes of domains that were added through the API. */
import type { Hono } from "hono";
import type { DomainRecord, DomainSettings } from "../../../ports/directory.ts";
import type { KnownPrimaries, PrimaryStatus } from "../../../ports/health.ts";
import type { QueueCount } from "../../../ports/operator.ts";
import { unlessEnded } from "../../../runtime/channel.ts";
import { recordAct } from "../acts.ts";
import { readDomain, readNoBody, readQuery, Refusal, unknownDomain } from "../answers.ts";
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
    recordAct(c, parts, { verb: "domain add", what: name });
    return c.json(await showDomain(name, parts), 201);
  });
  app.patch("/v1/domains/:name", async (c) => {
    const name = await changeDomain(c, parts);
    recordAct(c, parts, { verb: "domain change", what: name });
    return c.json(await showDomain(name, parts));
  });
  app.get("/v1/domains/:name", async (c) => c.json(await showDomain(readDomain(c), parts)));
  app.delete("/v1/domains/:name", async (c) => c.json(await removeDomain(c, parts)));
  app.post("/v1/domains/:name/pause", async (c) => c.json(await pause(c, parts)));
  app.post("/v1/domains/:name/resume", async (c) => c.json(await resume(c, parts)));
}

/** Facts that are shown with a domain. */
interface Surroundings extends Pick<AdminParts, "fetched" | "fileTrouble"> {
  readonly counts: ReadonlyMap<string, readonly QueueCount[]>;
  readonly primaries: ReadonlyMap<string, readonly PrimaryStatus[]>;
  readonly unknown: Pick<KnownPrimaries, "noPrimaries">;
  readonly refusing: ReadonlySet<string>;
  readonly notices: string;
}

async function listDomains(parts: AdminParts): Promise<DomainList> {
  const [records, around] = await Promise.all([parts.directory.domains(), surroundings(parts)]);
  return { items: records.map((record) => view(record, around)) };
}

async function showDomain(name: string, parts: AdminParts): Promise<DomainBody> {
  const record = await parts.directory.domain(name);
  if (record === undefined) throw unknownDomain(name);
  return view(record, await surroundings(parts, name));
}

/** Collects these facts for all domains, or for one, so that thousands of others are not read for it. */
async function surroundings(parts: AdminParts, domain?: string): Promise<Surroundings> {
  const { queue, primaries, directory, status, fetched, fileTrouble } = parts;
  const [counts, { primaries: states, ...unknown }, refusing] = await Promise.all([
    queue.counts(domain),
    primaries(),
    directory.refusing(domain),
  ]);
  return {
    counts: Map.groupBy(counts, ({ domain }) => domain),
    primaries: byDomain(states),
    unknown,
    refusing: new Set(refusing),
    notices: status().notices,
    fetched,
    fileTrouble,
  };
}

function byDomain(primaries: readonly PrimaryStatus[]): ReadonlyMap<string, readonly PrimaryStatus[]> {
  const found = new Map<string, PrimaryStatus[]>();
  for (const primary of primaries)
    for (const domain of primary.domains) {
      const known = found.get(domain);
      if (known === undefined) found.set(domain, [primary]);
      else known.push(primary);
    }
  return found;
}

function view(
  record: DomainRecord,
  { counts, primaries, unknown, refusing, fetched, fileTrouble, notices }: Surroundings,
): DomainBody {
  const { name, origin, settings, list, paused, pausedUntil, draining } = record;
  const status = fetched(name);
  const trouble = fileTrouble(name);
  return {
    name,
    origin,
    settings: shown(settings),
    declaredList: list !== undefined,
    refusing: refusing.has(name),
    ...(status !== undefined && { fetched: status }),
    ...(trouble !== undefined && { fileTrouble: trouble }),
    paused,
    ...(pausedUntil !== undefined && { pausedUntil }),
    draining,
    ...amountOf(counts.get(name) ?? []),
    primaries: (primaries.get(name) ?? []).map((primary) => ofDomain(primary, name)),
    ...unknown,
    notices,
  };
}

/** Shows the settings as a request has them: an absent `dnsbl.defer` means off in the store, but 1 in a request. */
function shown(settings: DomainSettings): DomainBody["settings"] {
  const { checks } = settings;
  const { dnsbl = "off" } = checks ?? {};
  if (dnsbl === "off" || dnsbl.defer !== undefined) return settings;
  return { ...settings, checks: { ...checks, dnsbl: { ...dnsbl, defer: "off" } } };
}

/** Leaves out the other domains of the same primary, of which there may be thousands. */
function ofDomain(primary: PrimaryStatus, name: string): PrimaryStatus {
  const { probation = [], acceptAll = [], ...rest } = primary;
  const own = probation.filter(({ domain }) => domain === name);
  return {
    ...rest,
    domains: [name],
    ...(own.length > 0 && { probation: own }),
    ...(acceptAll.includes(name) && { acceptAll: [name] }),
  };
}

async function removeDomain(c: AdminContext, parts: AdminParts): Promise<DomainRemoved> {
  const name = readDomain(c);
  const result = await parts.editor.removeDomain(name);
  if (result === "unknown") throw unknownDomain(name);
  if (result === "declared") throw declared(name, "remove");
  parts.tokens.domainRemoved();
  recordAct(c, parts, { verb: "domain remove", what: name });
  return { result };
}

async function pause(c: AdminContext, parts: AdminParts): Promise<DomainPaused> {
  const name = readDomain(c);
  const { until } = readQuery(c, PauseQuery);
  // An `until` in the body would be ignored, and the pause would never end.
  await readNoBody(c);
  if (until !== undefined && until <= parts.clock.now())
    throw new Refusal("bad_request", "until: that time is over", "name a time to come, in ms since 1970");
  if (!(await parts.editor.setPaused(name, true, until))) throw unknownDomain(name);
  recordAct(c, parts, { verb: "domain pause", what: name });
  return { name, paused: true, ...(until !== undefined && { until }) };
}

async function resume(c: AdminContext, parts: AdminParts): Promise<DomainPaused> {
  const name = readDomain(c);
  await readNoBody(c);
  if (!(await parts.editor.setPaused(name, false))) throw unknownDomain(name);
  recordAct(c, parts, { verb: "domain resume", what: name });
  // The delivery thread may be restarting, or end during the call; the next one continues the probation.
  if ((await parts.resume(name).catch(unlessEnded)) !== true)
    throw new Refusal(
      "conflict",
      "deliveries are starting again: a probation may go on, a pause is over",
      "ask again in some seconds",
    );
  return { name, paused: false };
}
