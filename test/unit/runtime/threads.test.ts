import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../src/runtime/clock.ts";
import { loggerTo } from "../../../src/runtime/log.ts";
import { startThread, SupervisedThread, type ThreadPlan } from "../../../src/runtime/threads.ts";
import type { FixtureControl } from "../../support/thread-fixture.ts";
import { waitFor } from "../../support/wait.ts";

const WAIT = { what: "the thread", deadline: 10_000 };

function plan(broken: () => boolean): ThreadPlan {
  const entry = new URL("../../support/thread-fixture.ts", import.meta.url);
  return { name: "fixture", entry, nursery: 4, data: () => ({ value: { broken: broken() }, moved: [] }) };
}

test("a thread answers once it has started, and its end is told", async () => {
  const thread = await startThread<FixtureControl>(plan(() => false));
  assert.equal(await thread.control.call("hello", "you"), "hello you");
  assert.equal(await thread.control.call("young", undefined), 12);
  await thread.terminate();
  assert.equal((await thread.ended).error, undefined);
});

test("a thread that cannot start rejects with its own error", async () => {
  await assert.rejects(startThread(plan(() => true)), /cannot start like this/);
});

test("a thread that dies is started again, after a delay that grows while it cannot start", async () => {
  const clock = new ManualClock();
  const lines: string[] = [];
  let broken = false;
  const supervised = await SupervisedThread.start<FixtureControl>({
    plan: plan(() => broken),
    clock,
    log: loggerTo(
      (_, message, fields) => void lines.push(`${message} ${String(fields["error"]).split("\n")[0]}`),
    ),
  });
  broken = true;
  void supervised.current?.control.call("crash", undefined).catch(() => {});
  await waitFor(WAIT, () => supervised.current === undefined);
  assert.match(lines[0] ?? "", /thread died, starting it again .*crashed as told/);
  clock.advance(1000);
  await waitFor(WAIT, () => lines.length === 2);
  assert.match(lines[1] ?? "", /thread did not start .*cannot start like this/);
  broken = false;
  clock.advance(2000);
  await waitFor(WAIT, () => supervised.current !== undefined);
  assert.equal(await supervised.current?.control.call("hello", "again"), "hello again");
  supervised.expectEnd();
  await supervised.current?.terminate();
});
