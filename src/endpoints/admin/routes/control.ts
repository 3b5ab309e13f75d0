/** The daemon itself: health, metrics, status, reload. */
import type { Hono } from "hono";
import { awaitsFirstList, type DomainRecord } from "../../../ports/directory.ts";
import { errorText } from "../../../runtime/log.ts";
import { within } from "../../../runtime/within.ts";
import { readNoBody } from "../answers.ts";
import type { HealthBody, StatusBody } from "../contract.ts";
import { amountOf } from "../counting.ts";
import type { AdminContext, AdminEnv, AdminParts, ControlStatus } from "../parts.ts";

/** For supervisors and load balancers; no token is needed, so the answers contain nothing that is not public. */
export function healthRoutes(app: Hono<AdminEnv>, { status }: AdminParts): void {
  const answer = (c: AdminContext, why: string | undefined): Response =>
    why === undefined ? c.json<HealthBody>({ ok: true }) : c.json<HealthBody>({ ok: false, why }, 503);
  app.get("/healthz", (c) => answer(c, status().condition === "sick" ? illness("sick") : undefined));
  app.get("/readyz", (c) => answer(c, unreadiness(status())));
}

export function controlRoutes(app: Hono<AdminEnv>, parts: AdminParts): void {
  app.get("/metrics", async (c) => {
    c.header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return c.body(await parts.metrics());
  });
  app.get("/v1/status", async (c) => c.json(await status(parts)));
  app.post("/v1/reload", async (c) => {
    await readNoBody(c);
    const result = await parts.reload();
    return c.json(result, result.ok ? 200 : 409);
  });
}

/** Strangers may read this, so it gives no details. */
function illness(condition: string): string {
  return `storage is ${condition}; \`holdfast status\` says why`;
}

function unreadiness({ condition, listening }: ControlStatus): string | undefined {
  if (condition !== "ok") return illness(condition);
  return listening.length === 0 ? "not listening for mail" : undefined;
}

/** Ms that the reader thread gets for its part. If it hangs, the rest of the status is still needed to see why. */
const TO_ANSWER = 10_000;

async function status(parts: AdminParts): Promise<StatusBody> {
  const [stored, primaries] = await Promise.all([readStored(parts), parts.primaries()]);
  const own = parts.status();
  return {
    ...own,
    now: parts.clock.now(),
    ready: unreadiness(own) === undefined,
    ...stored,
    ...primaries,
  };
}

type Stored = Pick<
  StatusBody,
  "unreadable" | "mail" | "oldest" | "quarantined" | "paused" | "draining" | "refusing" | "unlisted" | "stuck"
>;

const NOT_READ = `no answer within ${TO_ANSWER / 1000} s; the disk does not answer, or a large question is being answered`;

/** Never rejects: if the database is damaged, the status must still be answered, because it says so. */
async function readStored(parts: AdminParts): Promise<Stored> {
  const { queue, directory, log } = parts;
  try {
    const reading = Promise.all([
      queue.counts(),
      queue.quarantined(),
      directory.domains(),
      directory.refusing(),
    ]);
    const read = await within(TO_ANSWER, reading);
    if (read === "late") throw new Error(NOT_READ);
    const [counts, quarantined, domains, refusing] = read;
    const named = (is: (domain: DomainRecord) => boolean): string[] =>
      domains.filter(is).map(({ name }) => name);
    return {
      ...amountOf(counts),
      quarantined,
      paused: named(({ paused }) => paused),
      draining: named(({ draining }) => draining),
      refusing,
      unlisted: named(isUnlisted),
      stuck: named(({ name }) => isStuck(name, parts)),
    };
  } catch (error) {
    const unreadable = errorText(error);
    log.error("status could not be read", { error: unreadable });
    const none = { paused: [], draining: [], refusing: [], unlisted: [], stuck: [] };
    return { unreadable, mail: {}, quarantined: { recipients: 0 }, ...none };
  }
}

function isUnlisted(domain: DomainRecord): boolean {
  const { catchAll, callout } = domain.settings;
  return awaitsFirstList(domain) && !catchAll && callout !== true && !domain.draining;
}

function isStuck(domain: string, { fetched, fileTrouble }: AdminParts): boolean {
  const { entries, error } = fetched(domain) ?? {};
  return fileTrouble(domain) !== undefined || (entries !== undefined && error !== undefined);
}
