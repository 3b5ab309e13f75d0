import assert from "node:assert/strict";
import { test } from "node:test";
import { AnswerCache, type Answer } from "../../../../src/adapters/dns/answer-cache.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const FOUND: Answer<string> = { lookup: { kind: "found", records: ["192.0.2.1"] } };

test("queries beyond the bound fail at once and are not cached; cached answers are still returned", async () => {
  const cache = new AnswerCache<string>(new ManualClock(), 20_000);
  const waiting: (() => void)[] = [];
  const mute = (): Promise<Answer<string>> =>
    new Promise((resolve) => waiting.push(() => resolve({ lookup: { kind: "none" } })));
  const known = (): Promise<Answer<string>> => Promise.resolve(FOUND);
  assert.deepEqual(await cache.get("known", known), FOUND.lookup);
  const open = Array.from({ length: 4000 }, (_, n) => cache.get(`x${n}`, mute));
  for (let n = 0; n < 50_000; n++) void cache.get(`y${n}`, mute);
  assert.equal(waiting.length, 4000);
  assert.deepEqual(await cache.get("new", known), { kind: "failed", why: "too many queries are pending" });
  assert.deepEqual(await cache.get("known", known), FOUND.lookup);
  waiting[0]?.();
  assert.deepEqual(await open[0], { kind: "none" });
  assert.deepEqual(await cache.get("new", known), FOUND.lookup);
});

test("the cache holds a bounded number of answers; the oldest is evicted first, and a renewed one is young", async () => {
  const clock = new ManualClock();
  const cache = new AnswerCache<string>(clock, 3);
  const asked: string[] = [];
  const get = async (key: string): Promise<void> => {
    const ask = async (): Promise<Answer<string>> => {
      asked.push(key);
      return { ...FOUND, ttl: key === "a" ? 10_000 : 60_000 };
    };
    assert.deepEqual(await cache.get(key, ask), FOUND.lookup);
  };
  for (const key of ["a", "b", "c"]) await get(key);
  clock.advance(10_000);
  for (const key of ["a", "d"]) await get(key);
  assert.deepEqual(asked.splice(0), ["a", "b", "c", "a", "d"]);
  for (const key of ["c", "a", "d", "b"]) await get(key);
  assert.deepEqual(asked, ["b"]);
});

test("an answer without a lifetime is not cached", async () => {
  const lifetimes = { shortest: 0, longest: 60_000, negative: 0, failed: 0 };
  const cache = new AnswerCache<string>(new ManualClock(), 2, lifetimes);
  const asked: string[] = [];
  const get = (key: string, ttl: number): Promise<unknown> =>
    cache.get(key, async () => {
      asked.push(key);
      return { ...FOUND, ttl };
    });
  await get("kept", 60_000);
  for (const key of ["a", "b", "c"]) await get(key, 0);
  await get("kept", 60_000);
  assert.deepEqual(asked, ["kept", "a", "b", "c"]);
});
