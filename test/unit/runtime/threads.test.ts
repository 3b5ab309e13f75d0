import assert from "node:assert/strict";
import { test } from "node:test";
import { startThread, ThreadHangs } from "../../../src/runtime/threads.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { idle } from "../../support/settle.ts";
import type { FixtureControl } from "../../support/thread-fixture.ts";
import { fixturePlan } from "../../support/thread-plan.ts";
import { watchThreads } from "../../support/thread-watch.ts";
import { waitFor } from "../../support/wait.ts";

const WAIT = { what: "the thread", deadline: 10_000 };

test("a thread answers once it has started, and its end is reported", async () => {
  const thread = await startThread<FixtureControl>(
    fixturePlan(() => "well"),
    new ManualClock(),
  );
  assert.equal(await thread.control.call("hello", "you"), "hello you");
  assert.equal(await thread.control.call("young"), 12);
  await thread.terminate();
  assert.equal((await thread.ended).error, undefined);
});

test("a thread that cannot start rejects with its own error", async () => {
  const starting = startThread(
    fixturePlan(() => "broken"),
    new ManualClock(),
  );
  await assert.rejects(starting, /cannot start like this/);
});

test("a thread that reports two errors ends with the first", async () => {
  using threads = watchThreads();
  const thread = await startThread<FixtureControl>(
    fixturePlan(() => "well"),
    new ManualClock(),
  );
  const [worker] = threads.named("fixture");
  for (const words of ["crashed", "out of memory"]) worker?.emit("error", new Error(words));
  await thread.terminate();
  assert.equal((await thread.ended).error?.message, "crashed");
});

test("modules to load before a thread's entry are loaded first", async () => {
  const before = new URL("data:text/javascript,throw new Error('it ran first')");
  const starting = startThread({ ...fixturePlan(() => "broken"), before }, new ManualClock());
  await assert.rejects(starting, /it ran first/);
});

for (const start of ["idle", "busy", "stuck"] as const)
  test(`a thread that hangs at its start rejects with its name after the time limit: ${start}`, async () => {
    const clock = new ManualClock();
    const begun = new Uint8Array(new SharedArrayBuffer(1));
    const starting = startThread(
      fixturePlan(() => start, begun),
      clock,
    ).catch((error: unknown) => error);
    await waitFor(WAIT, () => begun[0] === 1);
    clock.advance(59_999);
    await idle();
    clock.advance(1);
    // It is told to end; one that cannot hear that is not waited for.
    if (start === "stuck") {
      await idle();
      clock.advance(2000);
    }
    const error = await starting;
    assert.ok(error instanceof ThreadHangs);
    assert.match(error.message, /^the fixture thread was not ready within 1 min; /);
    assert.equal(error.stuck, start === "stuck");
  });

test("time in which the whole process stood still does not count for the limit of a thread's start", async () => {
  const due: (() => void)[] = [];
  const after = (_delay: number, task: () => void) => ({ cancel: () => undefined, due: due.push(task) });
  const clock = Object.assign(new ManualClock(), { after });
  const starting = startThread<FixtureControl>(
    fixturePlan(() => "well"),
    clock,
  );
  // Each runs once, however late it is.
  for (let steps = 0; steps < 9; steps++) due.shift()?.();
  const thread = await starting;
  await thread.terminate();
});
