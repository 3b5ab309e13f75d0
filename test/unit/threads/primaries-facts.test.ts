import assert from "node:assert/strict";
import { test } from "node:test";
import { longAway } from "../../../src/threads/primaries-facts.ts";
import { isAway } from "../../../src/services/health/health.ts";
import type { PrimaryState } from "../../../src/ports/health.ts";

test("a domain counts as long without a primary when each of its primaries has been down for an hour", () => {
  const now = 10 * 3_600_000;
  const status = (state: PrimaryState, hours: number, ...domains: string[]) => ({
    destination: `${state}:25`,
    domains,
    state,
    since: now - hours * 3_600_000,
    ...(isAway(state) && { awaySince: now - hours * 3_600_000 }),
    connections: 0,
  });
  const primaries = [
    status("down", 2, "a.test", "b.test"),
    status("up", 5, "b.test"),
    status("down", 0.5, "c.test"),
    status("banned", 1, "d.test", "a.test"),
    status("unknown", 9, "e.test"),
  ];
  assert.deepEqual(longAway(primaries, now), ["a.test", "d.test"]);
  assert.deepEqual(longAway([], now), []);
});

test("an outage continues when its symptom changes", () => {
  const now = 10 * 3_600_000;
  const primary = { destination: "192.0.2.5:25", domains: ["a.test"], connections: 0 };
  const refuses = { ...primary, state: "banned" as const, since: now - 1000, awaySince: now - 2 * 3_600_000 };
  assert.deepEqual(longAway([refuses], now), ["a.test"]);
});
