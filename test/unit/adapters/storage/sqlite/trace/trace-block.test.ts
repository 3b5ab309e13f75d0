import assert from "node:assert/strict";
import { test } from "node:test";
import { TraceBlock, Wanted } from "../../../../../../src/adapters/storage/sqlite/trace/trace-block.ts";
import type { TracedEvent } from "../../../../../../src/ports/trace.ts";

const EVENT: TracedEvent = { kind: "mail.delivered", id: "m1", recipient: "a@one.test", domain: "one.test" };

test("a block that is started again is empty and has an empty filter", () => {
  const block = new TraceBlock().begin(1);
  const wanted = new Wanted(["m1"]);
  block.add({ at: 7, event: EVENT }, ["m1"]);
  assert.ok(wanted.mayBeIn(block.filter));
  assert.deepEqual(wanted.eventsOf(block.text.toString()), [{ at: 7, event: EVENT }]);
  block.begin(2);
  assert.ok(!wanted.mayBeIn(block.filter));
  assert.deepEqual([block.seq, block.at, block.events, block.text.length], [2, 0, 0, 0]);
});

test("a block is full when its filter's number of keys is used up, and its time is that of its newest event", () => {
  const block = new TraceBlock().begin(1);
  for (let n = 0; n < 51; n++)
    block.add(
      { at: 500 - n, event: EVENT },
      ["a", "b", "c", "d", "e"].map((key) => `${key}${n}`),
    );
  assert.deepEqual([block.full, block.at], [false, 500]);
  block.add({ at: 1, event: EVENT }, ["last"]);
  assert.equal(block.full, true);
  assert.equal(block.begin(2).full, false);
});
