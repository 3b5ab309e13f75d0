import assert from "node:assert/strict";
import { test } from "node:test";
import { askPrimaries } from "../../../src/daemon/known-primaries.ts";
import type { PrimaryStatus } from "../../../src/ports/health.ts";
import { ChannelClosed } from "../../../src/runtime/channel.ts";
import { ManualClock } from "../../support/manual-clock.ts";

function tellerThat(answer: () => Promise<readonly PrimaryStatus[]>): Parameters<typeof askPrimaries>[0] {
  return { control: { call: answer } };
}

test("the states of primaries come from the delivery thread, even if there is none", async () => {
  const clock = new ManualClock();
  const up: PrimaryStatus = { destination: "p:25", domains: ["a"], state: "up", since: 0, connections: 0 };
  for (const primaries of [[up], []])
    assert.deepEqual(
      await askPrimaries(
        tellerThat(async () => primaries),
        clock,
      ),
      { primaries },
    );
  assert.equal(clock.waiting, 0);
});

test("the wait for a delivery thread that does not answer is short", async () => {
  const clock = new ManualClock();
  let answered = false;
  const asked = askPrimaries(
    tellerThat(() => new Promise(() => undefined)),
    clock,
  ).finally(() => (answered = true));
  clock.advance(3900);
  await Promise.resolve();
  assert.equal(answered, false);
  clock.advance(100);
  const { primaries, noPrimaries } = await asked;
  assert.deepEqual(primaries, []);
  assert.match(noPrimaries ?? "", /^the delivery thread does not answer; /);
});

test("while the delivery thread restarts, the states of primaries are unknown; its errors are passed on", async () => {
  const clock = new ManualClock();
  const ended = tellerThat(() => Promise.reject(new ChannelClosed()));
  for (const teller of [undefined, ended]) {
    const { primaries, noPrimaries } = await askPrimaries(teller, clock);
    assert.deepEqual(primaries, []);
    assert.match(noPrimaries ?? "", /^no delivery thread is running at the moment; /);
  }
  const broken = tellerThat(() => Promise.reject(new Error("a bug")));
  await assert.rejects(askPrimaries(broken, clock), /^Error: a bug$/);
});
