import assert from "node:assert/strict";
import { test } from "node:test";
import { amountOf } from "../../../../src/endpoints/admin/counting.ts";
import type { QueueCount } from "../../../../src/ports/operator.ts";

const COUNTS: readonly QueueCount[] = [
  { domain: "a.example", state: "waiting", recipients: 3, oldest: 70 },
  { domain: "b.example", state: "waiting", recipients: 2, oldest: 50 },
  { domain: "a.example", state: "held", recipients: 1, oldest: 60 },
  { domain: "a.example", state: "gone", recipients: 9, oldest: 10 },
  { domain: "a.example", state: "parked", recipients: 0, oldest: 0 },
];

test("what waits is added up by state, with its oldest; what is gone or empty counts for nothing", () => {
  assert.deepEqual(amountOf(COUNTS), { mail: { waiting: 5, held: 1 }, oldest: 50 });
  assert.deepEqual(amountOf(COUNTS.toReversed()), { mail: { waiting: 5, held: 1 }, oldest: 50 });
});

test("where nothing waits, nothing is the oldest", () => {
  assert.deepEqual(amountOf(COUNTS.slice(3)), { mail: {} });
});
