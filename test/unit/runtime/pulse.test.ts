import assert from "node:assert/strict";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ChannelClosed } from "../../../src/runtime/channel.ts";
import { loggerTo } from "../../../src/runtime/log.ts";
import { followPulse } from "../../../src/runtime/pulse.ts";
import { SupervisedThread } from "../../../src/runtime/supervised-thread.ts";
import { startThread, type Thread } from "../../../src/runtime/threads.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { idle } from "../../support/settle.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import type { FixtureControl } from "../../support/thread-fixture.ts";
import { fixturePlan } from "../../support/thread-plan.ts";
import { waitFor } from "../../support/wait.ts";

const WAIT = { what: "the thread", deadline: 10_000 };

/** Supervises the fixture thread; `told` has who was silent, and lines of the log. */
function supervise() {
  const clock = new ManualClock();
  const told: string[] = [];
  const log = loggerTo((_level, message) => void told.push(message));
  const plan = fixturePlan(() => "well");
  const silent = (): void => void told.push("silent");
  return { clock, told, supervised: new SupervisedThread<FixtureControl>({ plan, clock, log, silent }) };
}

/** Is asked to hang until the file `until` is there, and does. */
async function hangs({ control }: Pick<Thread<FixtureControl>, "control">, until: string): Promise<void> {
  void control.call("hang", until).catch(() => {});
  await waitFor(WAIT, () => existsSync(`${until}.hangs`));
}

/** It is asked, and has not answered for so long. */
async function pass(clock: ManualClock, silence: number): Promise<void> {
  clock.advance(10_000);
  await idle();
  clock.advance(silence);
  await idle();
}

test("a thread in an endless loop is journalled, ended and restarted", async () => {
  const { clock, told, supervised } = supervise();
  await supervised.started;
  void supervised.current?.control.call("loop").catch(() => {});
  await idle();
  await pass(clock, 59_999);
  assert.deepEqual(told, []);
  clock.advance(1);
  await waitFor(WAIT, () => supervised.current === undefined);
  assert.deepEqual(told, ["silent", "thread died, restarting it"]);
  clock.advance(1000);
  await waitFor(WAIT, () => supervised.current !== undefined);
  assert.equal(await supervised.current?.control.call("hello", "again"), "hello again");
  await supervised.end("close");
});

test("a thread that hangs in a system call is journalled, and restarted when the call returns", async () => {
  await using folder = await tempFolder();
  const { clock, told, supervised } = supervise();
  await supervised.started;
  const until = join(folder.path, "go on");
  const asked = assert.rejects(
    supervised.current?.control.call("hang", until) as Promise<void>,
    ChannelClosed,
  );
  await idle();
  const changed = supervised.tell("learn", "in vain");
  await pass(clock, 60_000);
  assert.notEqual(supervised.current, undefined);
  clock.advance(10_000);
  await idle();
  assert.deepEqual(told, ["silent", "a silent thread does not end"]);
  // Nobody is left waiting for it.
  assert.equal(supervised.current, undefined);
  await asked;
  await changed;
  await supervised.tell("learn", "in vain");
  writeFileSync(until, "");
  await waitFor(WAIT, () => told.includes("thread died, restarting it"));
  clock.advance(1000);
  await waitFor(WAIT, () => supervised.current !== undefined);
  await supervised.end("close");
});

test("ending a thread that hangs in a system call rejects at once, or after 10 s if that is not known yet", async () => {
  await using folder = await tempFolder();
  const until = join(folder.path, "go on");
  for (const known of [true, false]) {
    const { clock, told, supervised } = supervise();
    await supervised.started;
    const life = supervised.current as Thread<FixtureControl>;
    await hangs(life, until);
    await pass(clock, 60_000);
    if (known) clock.advance(10_000);
    await idle();
    const ended = assert.rejects(supervised.end("close"), { name: "ThreadStuck", stuck: true });
    if (!known) clock.advance(10_000);
    await ended;
    assert.deepEqual(told, ["silent", "a silent thread does not end"]);
    writeFileSync(until, "");
    await life.ended;
    for (const file of [until, `${until}.hangs`]) rmSync(file);
    clock.advance(60_000);
    await idle();
    assert.deepEqual([told.length, supervised.current], [2, undefined]);
  }
});

test("a thread that answers is not ended, however often it is asked", async () => {
  const { clock, told, supervised } = supervise();
  await supervised.started;
  for (let asked = 0; asked < 5; asked++) {
    clock.advance(10_000);
    await idle();
    // Its answer came before this one.
    await supervised.current?.control.call("hello", "you");
    clock.advance(60_000);
    await idle();
  }
  assert.deepEqual(told, []);
  await supervised.end("close");
});

test("a silent thread that is being stopped is not restarted", async () => {
  const { clock, told, supervised } = supervise();
  await supervised.started;
  void supervised.current?.control.call("loop").catch(() => {});
  const thread = supervised.current as Thread<FixtureControl>;
  const stopped = supervised.end("close").catch(() => undefined);
  await pass(clock, 60_000);
  assert.deepEqual(told, []);
  await thread.terminate();
  await stopped;
});

test("the end of a silence is journalled once with its length; a thread that has ended is not asked any more", async () => {
  await using folder = await tempFolder();
  const clock = new ManualClock();
  const thread = await startThread<FixtureControl>(
    fixturePlan(() => "well"),
    clock,
  );
  const told: (string | number)[] = [];
  const pulse = {
    answers: () => thread.answers(),
    silent: () => void told.push("silent"),
    back: (after: number) => void told.push(after),
  };
  const over = followPulse(pulse, clock);
  const until = join(folder.path, "go on");
  await hangs(thread, until);
  await pass(clock, 60_000);
  clock.advance(120_000);
  await idle();
  assert.deepEqual(told, ["silent"]);
  writeFileSync(until, "");
  await waitFor(WAIT, () => told.length === 2);
  assert.equal(told[1], 180_000);
  clock.advance(10_000);
  await idle();
  await thread.terminate();
  clock.advance(10_000);
  await over;
  assert.equal(told.length, 2);
});

test("a thread is asked every ten seconds, and the timer of a question ends with its answer", async () => {
  const clock = new ManualClock();
  let asked = 0;
  const answers = async (): Promise<void> => {
    asked += 1;
    if (asked === 4) throw new ChannelClosed();
  };
  const over = followPulse({ answers, silent: () => assert.fail("it answers") }, clock);
  for (let questions = 1; questions <= 4; questions++) {
    clock.advance(9999);
    await idle();
    assert.equal(asked, questions - 1);
    clock.advance(1);
    await idle();
    assert.deepEqual([asked, clock.waiting], [questions, questions === 4 ? 0 : 1]);
  }
  await over;
});
