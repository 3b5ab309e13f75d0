import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Worker } from "node:worker_threads";
import { loggerTo } from "../../../src/runtime/log.ts";
import { SupervisedThread } from "../../../src/runtime/supervised-thread.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { idle } from "../../support/settle.ts";
import { SILENT } from "../../support/silent-log.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import type { FixtureControl, Start } from "../../support/thread-fixture.ts";
import { fixturePlan } from "../../support/thread-plan.ts";
import { watchThreads } from "../../support/thread-watch.ts";
import { waitFor } from "../../support/wait.ts";

const WAIT = { what: "the thread", deadline: 10_000 };

test("a thread that dies is restarted after a delay that grows while it cannot start", async () => {
  const clock = new ManualClock();
  const lines: string[] = [];
  let start: Start = "well";
  const supervised = new SupervisedThread<FixtureControl>({
    plan: fixturePlan(() => start),
    clock,
    log: loggerTo(
      (_, message, fields) => void lines.push(`${message} ${String(fields["error"]).split("\n")[0]}`),
    ),
  });
  await supervised.started;
  start = "broken";
  void supervised.current?.control.call("crash").catch(() => {});
  await waitFor(WAIT, () => supervised.current === undefined);
  assert.match(lines[0] ?? "", /thread died, restarting it .*crashed as told/);
  clock.advance(1000);
  await waitFor(WAIT, () => lines.length === 2);
  assert.match(lines[1] ?? "", /thread did not start .*cannot start like this/);
  start = "idle";
  clock.advance(2000);
  clock.advance(60_000);
  await waitFor(WAIT, () => lines.length === 3);
  assert.match(lines[2] ?? "", /thread did not start .*was not ready within 1 min/);
  start = "well";
  clock.advance(4000);
  await waitFor(WAIT, () => supervised.current !== undefined);
  assert.equal(await supervised.current?.control.call("hello", "again"), "hello again");
  await supervised.end("close");
});

test("a thread that cannot start for hours is restarted at least every 30 s", async () => {
  const clock = new ManualClock();
  let start: Start = "well";
  let failed = 0;
  const supervised = new SupervisedThread<FixtureControl>({
    plan: fixturePlan(() => start),
    clock,
    log: loggerTo((_, message) => void (failed += message === "thread did not start" ? 1 : 0)),
  });
  await supervised.started;
  start = "broken";
  await supervised.current?.terminate();
  await waitFor(WAIT, () => supervised.current === undefined);
  for (let tries = 1; tries <= 7; tries++) {
    clock.advance(30_000);
    await waitFor(WAIT, () => failed === tries);
  }
  await supervised.end("close");
});

test("a thread that is ended first processes earlier messages, and is not restarted", async () => {
  const clock = new ManualClock();
  const begun = new Uint8Array(new SharedArrayBuffer(1));
  const lines: string[] = [];
  const supervised = new SupervisedThread<FixtureControl>({
    plan: fixturePlan(() => "well", begun),
    clock,
    log: loggerTo((_level, message) => void lines.push(message)),
  });
  await supervised.started;
  await supervised.end("close");
  assert.deepEqual([begun[0], supervised.current, lines], [2, undefined, []]);
  clock.advance(60_000);
  await idle();
  assert.equal(supervised.current, undefined);
  await supervised.end("close");
});

test("a thread that crashes while it ends reports the error", async () => {
  const supervised = new SupervisedThread<FixtureControl>({
    plan: fixturePlan(() => "well"),
    clock: new ManualClock(),
    log: SILENT,
  });
  await supervised.started;
  await assert.rejects(supervised.end("closeBadly"), { message: "crashed as told" });
  assert.equal(supervised.current, undefined);
});

test("a thread in an endless loop delays its end by 15 s only", async () => {
  const clock = new ManualClock();
  const plan = fixturePlan(() => "well");
  const supervised = new SupervisedThread<FixtureControl>({ plan, clock, log: SILENT });
  await supervised.started;
  void supervised.current?.control.call("loop").catch(() => {});
  let trouble: unknown;
  const ended = supervised.end("close").catch((error: unknown) => (trouble = error));
  clock.advance(1000);
  await idle();
  clock.advance(14_999);
  await idle();
  assert.notEqual(supervised.current, undefined);
  clock.advance(1);
  await ended;
  assert.match(String(trouble), /^ThreadSilent: the fixture thread did not answer for 15 s, so it was ended/);
  assert.equal(supervised.current, undefined);
});

test("a thread that ends slowly is waited for while its event loop turns", async () => {
  const clock = new ManualClock();
  const plan = fixturePlan(() => "well");
  const supervised = new SupervisedThread<FixtureControl>({ plan, clock, log: SILENT });
  await supervised.started;
  const ended = supervised.end("closeLater");
  for (let second = 0; second < 40; second += 1) {
    clock.advance(1000);
    await supervised.current?.control.call("hello", "you");
    await idle();
  }
  await supervised.current?.control.call("learn", "the end");
  await ended;
});

test("the remains of a thread are cleared once for each life, before the delay of its restart", async () => {
  const clock = new ManualClock();
  let start: Start = "well";
  let cleared = 0;
  const supervised = new SupervisedThread<FixtureControl>({
    plan: fixturePlan(() => start),
    clock,
    log: SILENT,
    clear: () => void (cleared += 1),
  });
  await supervised.started;
  assert.equal(cleared, 0);
  await supervised.current?.terminate();
  await waitFor(WAIT, () => cleared === 1);
  start = "broken";
  clock.advance(1000);
  await waitFor(WAIT, () => cleared === 2);
  await supervised.end("close");
});

test("the restart delay of a thread that ran long begins anew, even if the wall clock was set meanwhile", async () => {
  const clock = new ManualClock();
  const delays: unknown[] = [];
  const supervised = new SupervisedThread<FixtureControl>({
    plan: fixturePlan(() => "well"),
    clock,
    log: loggerTo((_level, _message, fields) => void delays.push(fields["delay"])),
  });
  await supervised.started;
  const die = async (): Promise<void> => {
    void supervised.current?.control.call("crash").catch(() => {});
    await waitFor(WAIT, () => supervised.current === undefined);
  };
  const live = async (): Promise<void> => {
    clock.advance(2000);
    await waitFor(WAIT, () => supervised.current !== undefined);
  };
  await die();
  await live();
  clock.set(3_600_000);
  await die();
  await live();
  clock.advance(60_001);
  clock.set(-7_200_000);
  await die();
  assert.deepEqual(delays, [1000, 2000, 1000]);
  await supervised.end("close");
});

test("a thread that is being started when its end is requested ends as well", async () => {
  using threads = watchThreads();
  const clock = new ManualClock();
  const supervised = new SupervisedThread<FixtureControl>({
    plan: fixturePlan(() => "well"),
    clock,
    log: SILENT,
  });
  await supervised.started;
  void supervised.current?.control.call("crash").catch(() => {});
  await waitFor(WAIT, () => supervised.current === undefined);
  clock.advance(1000);
  await waitFor(WAIT, () => threads.named("fixture").length === 2);
  const [, second] = threads.named("fixture");
  const ended = new Promise((resolve) => void second?.once("exit", resolve));
  await supervised.end("close");
  await ended;
  assert.equal(supervised.current, undefined);
});

test("a thread that is starting gets the messages sent meanwhile, at its first start and at each later one", async () => {
  const clock = new ManualClock();
  const supervised = new SupervisedThread<FixtureControl>({
    plan: fixturePlan(() => "well"),
    clock,
    log: SILENT,
  });
  const current = () => supervised.current;
  const learned = () => current()?.control.call("learned");
  const told = supervised.tell("learn", "while it starts");
  assert.equal(current(), undefined);
  await supervised.started;
  await told;
  await supervised.tell("learn", "while it runs");
  assert.deepEqual(await learned(), ["while it starts", "while it runs"]);
  await assert.rejects(supervised.tell("learn", ""), /no word/);

  await current()?.terminate();
  await waitFor(WAIT, () => current() === undefined);
  await supervised.tell("learn", "between two lives");
  clock.advance(1000);
  await supervised.tell("learn", "while it starts again");
  await waitFor(WAIT, () => current() !== undefined);
  assert.deepEqual(await learned(), ["while it starts again"]);
  await supervised.end("close");
});

for (const start of ["broken", "stuck"] as const)
  test(`a message to a thread that does not start is answered with an error: ${start}`, async () => {
    using threads = watchThreads();
    await using folder = await tempFolder();
    const until = join(folder.path, "go on");
    const clock = new ManualClock();
    const supervised = new SupervisedThread<FixtureControl>({
      plan: fixturePlan(() => start, undefined, until),
      clock,
      log: SILENT,
    });
    const failed = assert.rejects(supervised.started);
    const told = supervised.tell("learn", "in vain");
    if (start === "stuck") {
      await waitFor(WAIT, () => existsSync(`${until}.hangs`));
      clock.advance(60_000);
      await idle();
      clock.advance(2000);
    }
    await failed;
    await told;
    if (start === "stuck") await goesOn(threads.named("fixture")[0], until);
  });

test("a thread that is ended between two lives is not restarted", async () => {
  using threads = watchThreads();
  const clock = new ManualClock();
  const plan = fixturePlan(() => "well");
  const supervised = new SupervisedThread<FixtureControl>({ plan, clock, log: SILENT });
  await supervised.started;
  await supervised.current?.terminate();
  await waitFor(WAIT, () => supervised.current === undefined);
  await supervised.end("close");
  clock.advance(60_000);
  await idle();
  assert.equal(threads.named("fixture").length, 1);
});

/** Its second life stands in a call of the system until the file is there. */
async function secondStuck(until: string) {
  const clock = new ManualClock();
  const lines: string[] = [];
  let start: Start = "well";
  const supervised = new SupervisedThread<FixtureControl>({
    plan: fixturePlan(() => start, undefined, until),
    clock,
    log: loggerTo((_level, message) => void lines.push(message)),
  });
  await supervised.started;
  start = "stuck";
  await supervised.current?.terminate();
  await waitFor(WAIT, () => supervised.current === undefined);
  clock.advance(1000);
  await waitFor(WAIT, () => existsSync(`${until}.hangs`));
  return { clock, lines, supervised, startWell: () => void (start = "well") };
}

/** Lets one that is stuck go on, and waits for its end. */
async function goesOn(stuck: Worker | undefined, until: string): Promise<void> {
  const ended = new Promise((resolve) => void stuck?.once("exit", resolve));
  writeFileSync(until, "");
  await ended;
  await idle();
}

test("while a thread is stuck at its start, no second one is started", async () => {
  using threads = watchThreads();
  await using folder = await tempFolder();
  const until = join(folder.path, "go on");
  const { clock, lines, supervised, startWell } = await secondStuck(until);
  clock.advance(60_000);
  await idle();
  clock.advance(2000);
  await waitFor(WAIT, () => lines.includes("thread did not start"));
  clock.advance(600_000);
  await idle();
  assert.equal(threads.named("fixture").length, 2);
  startWell();
  await goesOn(threads.named("fixture")[1], until);
  clock.advance(2000);
  await waitFor(WAIT, () => supervised.current !== undefined);
  await supervised.end("close");
});

test("ending a thread that is stuck at its start rejects, because the process cannot exit in order", async () => {
  using threads = watchThreads();
  await using folder = await tempFolder();
  const until = join(folder.path, "go on");
  const { clock, lines, supervised } = await secondStuck(until);
  const ended = assert.rejects(supervised.end("close"), { name: "ThreadStuck", stuck: true });
  clock.advance(10_000);
  await ended;
  await goesOn(threads.named("fixture")[1], until);
  clock.advance(60_000);
  await idle();
  assert.deepEqual([threads.named("fixture").length, lines], [2, ["thread died, restarting it"]]);
});
