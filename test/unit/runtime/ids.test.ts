import assert from "node:assert/strict";
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { test } from "node:test";
import { idSource } from "../../../src/runtime/ids.ts";

test("ids sort in the order in which they were made, within a millisecond and over years", () => {
  let now = Date.UTC(2026, 0, 1);
  const next = idSource(() => now);
  const ids: string[] = [];
  for (let i = 0; i < 1000; i++) {
    ids.push(next());
    if (i % 100 === 0) now += i * 86_400_000;
  }
  assert.deepEqual(ids.toSorted(), ids);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[0-9a-hjkmnp-tv-z]{16}$/);
});

test("ids keep increasing when the clock is set back", () => {
  let now = Date.UTC(2026, 0, 2);
  const next = idSource(() => now);
  const before = next();
  now -= 3_600_000;
  assert.ok(next() > before);
});

test("two threads that begin in the same millisecond do not collide", () => {
  const now = (): number => Date.UTC(2026, 0, 1);
  const ids = new Set<string>();
  for (let thread = 0; thread < 200; thread++) ids.add(idSource(now)());
  assert.ok(ids.size >= 199);
});

test("ids sort within a millisecond whatever random number they begin with", (t) => {
  let drawn = 0;
  t.mock.method(crypto, "randomFillSync", (pool: Uint32Array) => pool.fill(drawn));
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  let now = Date.UTC(2026, 0, 1);
  const next = idSource(() => now);
  // What the system was asked for before is used up first.
  for (drawn of [2 ** 30 - 1, 2 ** 31 - 1, 2 ** 32 - 1, 15 * 2 ** 26 - 1]) {
    for (let i = 0; i < 256; i++) {
      next();
      now += 1;
    }
    const ids = Array.from({ length: 10 }, () => next());
    assert.deepEqual(ids.toSorted(), ids, String(drawn));
    for (const id of ids) assert.equal(id.length, 16);
  }
});
