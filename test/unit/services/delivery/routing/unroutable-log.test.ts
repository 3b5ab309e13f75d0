import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectionPool } from "../../../../../src/services/delivery/pool/connection-pool.ts";
import { DomainQueueOf } from "../../../../../src/services/delivery/pool/domain-queue.ts";
import type { Route } from "../../../../../src/services/delivery/routing/routes.ts";
import { UnroutableLog } from "../../../../../src/services/delivery/routing/unroutable-log.ts";
import { ManualClock } from "../../../../support/manual-clock.ts";
import { MemoryJournal } from "../../../../support/memory-journal.ts";
import { SILENT } from "../../../../support/silent-log.ts";

const KNOWN: Route = { kind: "known", tiers: [] };
const REMOVED: Route = { kind: "none", why: "the domain is not configured" };
const FAILED: Route = { kind: "failed", why: "SERVFAIL" };

/** The log of one domain; `waiting` recipients wait for it. */
function bench(waiting: number) {
  const journal = new MemoryJournal();
  const log = new UnroutableLog(journal, SILENT);
  const queue = new DomainQueueOf<ConnectionPool>("a.test", new ManualClock(), () => false);
  queue.grew(waiting);
  const told = () => journal.events.map(({ kind }) => kind);
  return { journal, told, look: (route: Route, now: number) => log.look(queue, route, now) };
}

test("a domain that was removed is told of while it holds mail, and else it is not", () => {
  const holding = bench(2);
  holding.look(REMOVED, 0);
  assert.deepEqual(holding.told(), ["primary.down"]);
  const empty = bench(0);
  empty.look(REMOVED, 0);
  assert.deepEqual(empty.told(), []);
});

test("the end is told once, with the time since the first reason", () => {
  const { journal, told, look } = bench(2);
  look(FAILED, 1000);
  look(REMOVED, 3000);
  look(REMOVED, 4000);
  look(KNOWN, 6000);
  look(KNOWN, 7000);
  assert.deepEqual(told(), ["primary.down", "primary.down", "primary.up"]);
  const [up] = journal.of("primary.up");
  assert.deepEqual([up?.outage, up?.held], [5000, 2]);
  look(FAILED, 8000);
  look(KNOWN, 9000);
  assert.equal(journal.of("primary.up")[1]?.outage, 1000);
});
