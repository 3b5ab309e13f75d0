import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionsWithin } from "../../../src/runtime/open-files.ts";

test("the number of clients is limited to the descriptors that nothing else needs", () => {
  const within = (files: number | undefined): number => connectionsWithin(10_000, files);
  assert.deepEqual([undefined, Number.POSITIVE_INFINITY, 11_000].map(within), [10_000, 10_000, 10_000]);
  assert.deepEqual([10_999, 2000, 1024, 128, 64].map(within), [9999, 1000, 462, 14, 1]);
  assert.equal(connectionsWithin(10, 1024), 10);
});
