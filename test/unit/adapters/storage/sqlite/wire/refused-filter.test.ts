import assert from "node:assert/strict";
import { test } from "node:test";
import {
  FILTER_BYTES,
  RefusedFilter,
} from "../../../../../../src/adapters/storage/sqlite/wire/refused-filter.ts";

test("the filter keeps all keys of its last two periods, and has few false positives", () => {
  const memory = new SharedArrayBuffer(8 + FILTER_BYTES);
  const writer = new RefusedFilter(memory, 8);
  const reader = new RefusedFilter(memory, 8);
  const key = (kind: string, n: number): string => `${kind}${n}@example.test`;
  for (let n = 0; n < 50_000; n++) writer.add(key("old", n));
  writer.turn();
  for (let n = 0; n < 50_000; n++) writer.add(key("new", n));
  let lost = 0;
  let wrong = 0;
  for (let n = 0; n < 50_000; n++) {
    if (!reader.mayHold(key("old", n)) || !reader.mayHold(key("new", n))) lost += 1;
    if (reader.mayHold(key("other", n))) wrong += 1;
  }
  assert.equal(lost, 0);
  assert.ok(wrong < 1000, `${wrong} of 50,000 are false positives`);
  writer.turn();
  assert.equal(reader.mayHold(key("new", 1)), true);
  let stale = 0;
  for (let n = 0; n < 50_000; n++) if (reader.mayHold(key("old", n))) stale += 1;
  assert.ok(stale < 1000, `${stale} of 50,000 are still there`);
});
