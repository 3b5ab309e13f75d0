import assert from "node:assert/strict";
import { test } from "node:test";
import { loopDelays, tellAll, tellFull } from "../../../src/daemon/smtp-threads.ts";
import { ChannelClosed } from "../../../src/runtime/channel.ts";
import { smtpCrew } from "../../support/smtp-crew.ts";

test("what SMTP threads are told reaches all, and has when it is said to be done", async () => {
  const { told, threads } = smtpCrew();
  await tellAll(threads, "useLists", ["zone.test"]);
  assert.deepEqual(
    told,
    [1, 2, 3].map((n) => [n, "useLists", ["zone.test"]]),
  );
});

test("threads that live are told of full domains and asked how late they were; one that cannot say is left out", async () => {
  const asked: string[] = [];
  const { threads } = smtpCrew((what) => {
    asked.push(what);
    if (what === "loopDelay 1") throw new Error("it has ended");
    return { mean: 1, max: 2 };
  });
  await tellFull(["a.test"], threads);
  assert.deepEqual([...(await loopDelays(threads))], [["smtp-2", { mean: 1, max: 2 }]]);
  assert.deepEqual(asked, ["full 1", "full 2", "loopDelay 1", "loopDelay 2"]);
});

test("a thread that ends while it is told of full domains is no trouble", async () => {
  const asked: string[] = [];
  const { threads } = smtpCrew((what) => {
    asked.push(what);
    if (what === "full 1") throw new ChannelClosed();
  });
  await tellFull(["a.test"], threads);
  assert.deepEqual(asked, ["full 1", "full 2"]);
});
