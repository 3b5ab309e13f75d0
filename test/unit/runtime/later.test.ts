import assert from "node:assert/strict";
import { test } from "node:test";
import { andThen } from "../../../src/runtime/later.ts";

test("a value that is there is acted on at once, one that comes when it has come", async () => {
  const doubled = (value: number): number => 2 * value;
  assert.equal(andThen(1, doubled), 2);
  assert.equal(await andThen(Promise.resolve(1), doubled), 2);
  await assert.rejects(async () => andThen(Promise.reject(new Error("no")), doubled), /no/);
});
