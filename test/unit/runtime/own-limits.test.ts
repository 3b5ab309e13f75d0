import assert from "node:assert/strict";
import { test } from "node:test";
import { ownLimit } from "../../../src/runtime/own-limits.ts";

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             unlimited            unlimited            processes
Max open files            20000                1048576              files
`;

test("the soft limit is read; unlimited is Infinity, an unreadable one undefined", () => {
  assert.equal(
    ownLimit("open files", () => LIMITS),
    20_000,
  );
  assert.equal(
    ownLimit("processes", () => LIMITS),
    Number.POSITIVE_INFINITY,
  );
  assert.equal(
    ownLimit("open files", () => "Max processes 5"),
    undefined,
  );
  assert.equal(
    ownLimit("open files", () => {
      throw new Error("no /proc");
    }),
    undefined,
  );
});
