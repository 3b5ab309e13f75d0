import assert from "node:assert/strict";
import { test } from "node:test";
import { loggerTo } from "../../../src/runtime/log.ts";
import { Schedule } from "../../../src/runtime/schedule.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { idle } from "../../support/settle.ts";

function bench() {
  const clock = new ManualClock(0);
  const lines: string[] = [];
  const log = loggerTo((level, message) => void lines.push(`${level} ${message}`));
  return { clock, lines, schedule: new Schedule({ clock, log, random: () => 0.5 }) };
}

test("a job runs again after each run, and never overlaps itself", async () => {
  const { clock, schedule } = bench();
  const runs: (() => void)[] = [];
  schedule.add({ name: "slow", every: 100, run: () => new Promise<void>((resolve) => runs.push(resolve)) });
  clock.advance(100);
  clock.advance(1000);
  assert.equal(runs.length, 1);
  runs[0]?.();
  await idle();
  clock.advance(100);
  assert.equal(runs.length, 2);
  runs[1]?.();
  await schedule.stop();
});

test("a slice that asks for more runs again at once", async () => {
  const { clock, schedule } = bench();
  let left = 3;
  schedule.add({ name: "sliced", every: 1000, run: () => (--left > 0 ? "again" : "done") });
  for (let i = 0; i < 3; i++) {
    clock.advance(i === 0 ? 1000 : 1);
    await idle();
  }
  assert.equal(left, 0);
  await schedule.stop();
});

test("a job that fails is logged and runs again", async () => {
  const { clock, schedule, lines } = bench();
  let runs = 0;
  schedule.add({
    name: "broken",
    every: 100,
    run: () => {
      runs += 1;
      throw new Error("no");
    },
  });
  for (let i = 0; i < 2; i++) {
    clock.advance(100);
    await idle();
  }
  assert.equal(runs, 2);
  assert.deepEqual(lines, ["error job failed", "error job failed"]);
  await schedule.stop();
});

test("stop waits for the slice in progress and schedules no other", async () => {
  const { clock, schedule } = bench();
  let finish = (): void => {};
  let runs = 0;
  const run = (): Promise<void> => {
    runs += 1;
    return new Promise((resolve) => {
      finish = resolve;
    });
  };
  schedule.add({ name: "slow", every: 100, run });
  clock.advance(100);
  let over = false;
  const stopped = schedule.stop().then(() => (over = true));
  await idle();
  assert.equal(over, false);
  finish();
  await stopped;
  clock.advance(1000);
  assert.equal(runs, 1);
});
