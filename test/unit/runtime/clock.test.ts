import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { clockOffset, moveClock, setClock, steadyClock, systemClock } from "../../../src/runtime/clock.ts";
import { ManualClock } from "../../support/manual-clock.ts";

test("the manual clock runs timers that fall due while it advances, in order, each at its time", () => {
  const clock = new ManualClock(0);
  const ran: [string, number][] = [];
  const note = (name: string) => () => void ran.push([name, clock.now()]);
  clock.after(20, note("second"));
  clock.after(10, note("first"));
  clock.after(10, () => clock.after(5, note("planned on the way")));
  clock.after(30, note("cancelled")).cancel();
  clock.after(100, note("not yet"));
  clock.advance(50);
  assert.deepEqual(ran, [
    ["first", 10],
    ["planned on the way", 15],
    ["second", 20],
  ]);
  assert.equal(clock.now(), 50);
});

test("a moved offset moves every clock that shares it", () => {
  const offset = clockOffset();
  const clocks = [systemClock(offset), systemClock(offset)];
  const before = Date.now();
  moveClock(offset, 3 * 86_400_000);
  for (const clock of clocks) assert.ok(clock.now() - before >= 3 * 86_400_000);
});

test("a timer of a moved clock fires within about a second of the move", async () => {
  const offset = clockOffset();
  const clock = systemClock(offset);
  const keepAlive = setInterval(() => {}, 1000);
  const fired = new Promise<void>((resolve) => {
    clock.after(3_600_000, resolve);
  });
  moveClock(offset, 3_600_000);
  await fired;
  clearInterval(keepAlive);
});

test("setting a clock changes neither timers nor elapsed time", async () => {
  const offset = clockOffset();
  const clock = systemClock(offset);
  const before = clock.elapsed();
  const fired = new Promise<void>((resolve) => void clock.after(20, resolve));
  setClock(offset, -3_600_000);
  assert.ok(clock.now() <= Date.now() - 3_600_000);
  const keepAlive = setInterval(() => {}, 1000);
  await fired;
  clearInterval(keepAlive);
  const took = clock.elapsed() - before;
  assert.ok(took >= 19 && took < 60_000, String(took));
});

test("a steady clock continues when the wall clock is set, and reports what the wall clock says", () => {
  const clock = new ManualClock(1_000_000);
  const steady = steadyClock(clock);
  clock.advance(5000);
  const moment = steady.now();
  assert.equal(moment, 1_005_000);
  clock.set(-3_600_000);
  clock.advance(1000);
  assert.equal(steady.now(), moment + 1000);
  assert.equal(steady.wall(moment), clock.now() - 1000);
});

test("a timer that is far too late because the process stood still runs after pending input", async () => {
  const clock = systemClock();
  const ran: string[] = [];
  const { port1, port2 } = new MessageChannel();
  port2.on("message", () => ran.push("read"));
  const cancelled = clock.after(5, () => ran.push("cancelled"));
  const late = new Promise<void>((resolve) => void clock.after(5, resolve));
  setTimeout(() => cancelled.cancel(), 6);
  port1.postMessage("said meanwhile");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  await late;
  await turn();
  port1.close();
  assert.deepEqual(ran, ["read"]);
});
