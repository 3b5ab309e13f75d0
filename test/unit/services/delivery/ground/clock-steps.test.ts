import assert from "node:assert/strict";
import { test } from "node:test";
import { ClockSteps } from "../../../../../src/services/delivery/ground/clock-steps.ts";
import { ManualClock } from "../../../../support/manual-clock.ts";
import { MemoryJournal } from "../../../../support/memory-journal.ts";

const DAY = 86_400_000;

function startSteps(agesDoubted = 0) {
  const clock = new ManualClock();
  const journal = new MemoryJournal();
  let woken = 0;
  const steps = new ClockSteps({ clock, journal, agesDoubted, wakeAll: async () => void (woken += 1) });
  return { clock, journal, steps, woken: () => woken };
}

test("a clock that goes back wakes all mail, once, whoever saw it first", async () => {
  const { clock, journal, steps, woken } = startSteps();
  clock.advance(DAY);
  clock.set(-59_000);
  await steps.job.run();
  assert.deepEqual([woken(), journal.events], [0, []], "an ordinary correction");
  clock.set(-1000);
  assert.equal(steps.timely(), true);
  await steps.job.run();
  await steps.job.run();
  assert.equal(woken(), 1);
  assert.deepEqual(journal.events, [{ kind: "clock.set", by: -60_000 }]);
});

test("for a day after a leap of a day ages are not believed, however the clock is set meanwhile", async () => {
  const { clock, journal, steps, woken } = startSteps();
  clock.set(DAY - 1);
  assert.equal(steps.timely(), true);
  clock.set(40 * DAY);
  assert.equal(steps.timely(), false);
  clock.set(-40 * DAY);
  clock.advance(DAY - 1);
  await steps.job.run();
  assert.equal(woken(), 1);
  assert.equal(steps.timely(), false);
  clock.advance(1);
  assert.equal(steps.timely(), true);
  assert.deepEqual(
    journal.events.map((event) => event.kind === "clock.set" && event.by),
    [DAY - 1, 40 * DAY, -40 * DAY],
  );
});

test("where ages are doubted from the start, they are for as long as is said", () => {
  const { clock, steps } = startSteps(DAY);
  clock.advance(DAY - 1);
  assert.equal(steps.timely(), false);
  clock.advance(1);
  assert.equal(steps.timely(), true);
});

test("a store that fails when the clock went back is asked again", async () => {
  const clock = new ManualClock();
  let asked = 0;
  const wakeAll = async (): Promise<void> => {
    asked += 1;
    if (asked === 1) throw new Error("the disk hiccups");
  };
  const { job } = new ClockSteps({ clock, journal: new MemoryJournal(), wakeAll });
  clock.set(-DAY);
  await assert.rejects(async () => job.run());
  await job.run();
  await job.run();
  assert.equal(asked, 2);
});
