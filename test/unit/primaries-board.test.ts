import assert from "node:assert/strict";
import { test } from "node:test";
import { PrimariesBoard, type Reader } from "../../src/primaries-board.ts";
import { offersOf } from "../../src/services/health/health.ts";
import type { PrimaryStatus } from "../../src/ports/health.ts";
import { ManualClock } from "../../src/runtime/clock.ts";

function speaking(size: number, now: number): PrimaryStatus {
  const capabilities = { name: "p", extensions: ["SMTPUTF8"], size };
  return {
    destination: "p:25",
    domains: ["a"],
    state: "up",
    since: 0,
    connections: 0,
    capabilities,
    learnedAt: now,
  };
}

test("each life of a thread hears of each change once", async () => {
  const clock = new ManualClock();
  const heard: string[] = [];
  const lives = new Map<object, Reader<ReturnType<typeof offersOf>>>();
  const begin = (name: string): object => {
    const life = { name };
    lives.set(life, { tell: async (offers) => void heard.push(`${name} ${JSON.stringify(offers)}`) });
    return life;
  };
  let statuses: readonly PrimaryStatus[] | undefined = [speaking(100_000, clock.now())];
  const board = new PrimariesBoard({
    primaries: async () => statuses,
    facts: offersOf,
    readers: () => lives,
    clock,
  });
  const first = begin("first");
  await board.tell();
  await board.tell();
  statuses = undefined;
  await board.tell();
  lives.delete(first);
  begin("second");
  statuses = [speaking(100_000, clock.now())];
  await board.tell();
  statuses = [speaking(200_000, clock.now())];
  await board.tell();
  assert.deepEqual(heard, [
    'first [["a",{"smtpUtf8":true,"size":100000}]]',
    'second [["a",{"smtpUtf8":true,"size":100000}]]',
    'second [["a",{"smtpUtf8":true,"size":200000}]]',
  ]);
});
