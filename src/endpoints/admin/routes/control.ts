/** The daemon itself: health, metrics, status, reload. */
import type { Hono } from "hono";
import type { HealthBody, StatusBody } from "../contract.ts";
import { amountOf } from "../counting.ts";
import type { AdminContext, AdminEnv, AdminParts, ControlStatus } from "../parts.ts";

/** Asked by supervisors and load balancers, without a token; says nothing that a client could not see. */
export function healthRoutes(app: Hono<AdminEnv>, { status }: AdminParts): void {
  const answer = (c: AdminContext, why: string | undefined): Response =>
    why === undefined ? c.json<HealthBody>({ ok: true }) : c.json<HealthBody>({ ok: false, why }, 503);
  app.get("/healthz", (c) => answer(c, status().condition === "sick" ? "storage is sick" : undefined));
  app.get("/readyz", (c) => answer(c, unreadiness(status())));
}

export function controlRoutes(app: Hono<AdminEnv>, parts: AdminParts): void {
  app.get("/metrics", async (c) => {
    c.header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return c.body(await parts.metrics());
  });
  app.get("/v1/status", async (c) => c.json(await status(parts)));
  app.post("/v1/reload", async (c) => {
    const result = await parts.reload();
    return c.json(result, result.ok ? 200 : 409);
  });
}

function unreadiness({ condition, listening }: ControlStatus): string | undefined {
  if (condition !== "ok") return `storage is ${condition}`;
  return listening.length === 0 ? "not listening for mail" : undefined;
}

async function status(parts: AdminParts): Promise<StatusBody> {
  const [counts, quarantined, primaries, domains] = await Promise.all([
    parts.queue.counts(),
    parts.queue.quarantined(),
    parts.primaries(),
    parts.directory.domains(),
  ]);
  const named = (like: "paused" | "draining"): string[] =>
    domains.filter((domain) => domain[like]).map(({ name }) => name);
  const own = parts.status();
  return {
    ...own,
    now: parts.clock.now(),
    ready: unreadiness(own) === undefined,
    ...amountOf(counts),
    quarantined,
    primaries,
    paused: named("paused"),
    draining: named("draining"),
  };
}
