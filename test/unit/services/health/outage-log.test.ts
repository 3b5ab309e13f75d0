import assert from "node:assert/strict";
import { test } from "node:test";
import { OutageLog } from "../../../../src/services/health/outage-log.ts";
import { unknownHealth, type HealthRecord } from "../../../../src/services/health/state.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";

const FACTS = { destination: "192.0.2.1:25", domains: ["a.test"], held: 3 };

test("an outage is recorded at its beginning and its end, and once more if the primary becomes this server", () => {
  const journal = new MemoryJournal();
  const log = new OutageLog(journal);
  const look = (change: Partial<HealthRecord>, now: number): void =>
    log.look({ ...unknownHealth(0), ...change }, () => FACTS, now);
  look({ state: "down", since: 2000, awaySince: 1000, why: "connection refused" }, 2000);
  look({ state: "banned", since: 3000, awaySince: 1000, why: "554 no" }, 3000);
  for (const now of [4000, 5000])
    look({ state: "loop", since: 4000, awaySince: 1000, why: "ourselves" }, now);
  look({ state: "up", since: 6000, relapses: 1 }, 6000);
  look({ state: "up", since: 6000, relapses: 1, proven: true }, 7000);
  const { held: _, ...common } = FACTS;
  assert.deepEqual(journal.events, [
    { kind: "primary.down", ...FACTS, why: "connection refused" },
    { kind: "primary.loop", ...common, why: "ourselves" },
    { kind: "primary.up", ...FACTS, outage: 6000 },
  ]);
});
