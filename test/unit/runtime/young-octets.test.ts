import assert from "node:assert/strict";
import { test } from "node:test";
import { madeBuffer } from "../../../src/runtime/young-octets.ts";

test("young objects are collected once enough octets were made, and counted anew", (context) => {
  const before = globalThis.gc;
  context.after(() => {
    globalThis.gc = before;
  });
  const asked: unknown[] = [];
  globalThis.gc = ((how: unknown) => asked.push(how)) as unknown as typeof globalThis.gc;
  for (let n = 0; n < 31; n++) madeBuffer(64 * 1024);
  assert.deepEqual(asked, []);
  madeBuffer(64 * 1024);
  assert.deepEqual(asked, [{ type: "minor" }]);
  madeBuffer(64 * 1024);
  assert.equal(asked.length, 1);
  globalThis.gc = undefined;
  madeBuffer(3e6);
});
