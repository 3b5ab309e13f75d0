import assert from "node:assert/strict";
import { test } from "node:test";
import { within } from "../../../src/runtime/within.ts";

test("a value or an error in time is passed on; a late one is ignored", async () => {
  assert.equal(await within(60_000, Promise.resolve(1)), 1);
  await assert.rejects(within(60_000, Promise.reject(new Error("no"))), /no/);
  const slow = Promise.withResolvers<number>();
  assert.equal(await within(1, slow.promise), "late");
  // Nobody is left to hear of it, and the process goes on.
  slow.reject(new Error("too late"));
});
