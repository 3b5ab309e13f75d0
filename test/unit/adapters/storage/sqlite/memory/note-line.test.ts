import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { NoteLine } from "../../../../../../src/adapters/storage/sqlite/memory/note-line.ts";
import { ManualClock } from "../../../../../support/manual-clock.ts";

test("at most 10,000 notes wait, and further notes are dropped", () => {
  const line = new NoteLine<number>(new ManualClock(), () => Promise.resolve());
  for (let n = 0; n <= 10_000; n++) line.note(`key ${n}`, n);
  assert.equal(line.find("key 9999"), 9999);
  assert.equal(line.find("key 10000"), undefined);
});

test("notes that cannot be stored are lost, and notes made in the meantime are sent next", async () => {
  const clock = new ManualClock();
  const sent: string[][] = [];
  const end = Promise.withResolvers<void>();
  const line = new NoteLine<number>(clock, (notes) => {
    sent.push([...notes.keys()]);
    return sent.length === 1 ? end.promise : Promise.resolve();
  });
  line.note("first", 1);
  line.note("again", 1);
  clock.advance(250);
  line.note("second", 2);
  line.note("again", 3);
  assert.equal(line.find("again"), 3, "the newer note");
  clock.advance(250);
  assert.deepEqual([line.find("first"), line.find("second"), sent.length], [1, 2, 1]);
  end.reject(new Error("the store is out of order"));
  await turn();
  assert.deepEqual([line.find("first"), line.find("second")], [undefined, 2]);
  clock.advance(250);
  assert.deepEqual(sent, [
    ["first", "again"],
    ["second", "again"],
  ]);
});
