/** The daemon itself: health, metrics, status, reload. */
import type { Hono } from "hono";
import type { HealthBody, StatusBody } from "../contract.ts";
import { amountOf } from "../counting.ts";
import type { AdminEnv, AdminParts, ControlStatus } from "../parts.ts";

/** Asked by supervisors and load balancers, without a token; says nothing that a client could not see. */
export function healthRoutes(app: Hono<AdminEnv>, { status }: AdminParts): void {
  app.get("/healthz", (c) => {
    const alive = status().condition !== "sick";
    return c.json<HealthBody>(
      alive ? { ok: true } : { ok: false, why: "storage is sick" },
      alive ? 200 : 503,
    );
  });
  app.get("/readyz", (c) => {
    const why = unreadiness(status());
    return c.json<HealthBody>(
      why === undefined ? { ok: true } : { ok: false, why },
      why === undefined ? 200 : 503,
    );
  });
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
