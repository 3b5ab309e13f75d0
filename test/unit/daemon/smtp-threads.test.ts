import assert from "node:assert/strict";
import { test } from "node:test";
import { endAll, explainBy, loopDelays, tellAll, tellFull } from "../../../src/daemon/smtp-threads.ts";
import { ChannelClosed } from "../../../src/runtime/channel.ts";
import type { SmtpThread } from "../../../src/threads/crew.ts";
import { idle } from "../../support/settle.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { smtpCrew } from "../../support/smtp-crew.ts";

test("a message to all SMTP threads resolves once all of them have it", async () => {
  const { told, threads } = smtpCrew();
  await tellAll(threads, "useLists", ["zone.test"]);
  assert.deepEqual(
    told,
    [1, 2, 3].map((n) => [n, "useLists", ["zone.test"]]),
  );
});

test("full domains are sent to all live threads; loop delays are collected from those that answer", async () => {
  const asked: string[] = [];
  const { threads } = smtpCrew((what) => {
    asked.push(what);
    if (what === "loopDelay 1") throw new Error("it has ended");
    return { mean: 1, max: 2 };
  });
  tellFull(["a.test"], threads);
  assert.deepEqual([...(await loopDelays(threads, new ManualClock()))], [["smtp-2", { mean: 1, max: 2 }]]);
  assert.deepEqual(asked, ["full 1", "full 2", "loopDelay 1", "loopDelay 2"]);
});

test("a thread that hangs does not prevent the loop delays of the others from being collected", async () => {
  const clock = new ManualClock();
  const hangs = new Promise(() => undefined);
  const { threads } = smtpCrew((what) => (what === "loopDelay 1" ? hangs : { p99: 1, max: 2 }));
  const asked = loopDelays(threads, clock);
  await idle();
  clock.advance(4000);
  assert.deepEqual([...(await asked)], [["smtp-2", { p99: 1, max: 2 }]]);
});

test("a thread that ends while it gets the full domains causes no error", async () => {
  const asked: string[] = [];
  const { threads } = smtpCrew((what) => {
    asked.push(what);
    if (what === "full 1") throw new ChannelClosed();
  });
  tellFull(["a.test"], threads);
  await idle();
  assert.deepEqual(asked, ["full 1", "full 2"]);
});

test("sending the full domains does not wait for a thread that hangs", async () => {
  const { threads } = smtpCrew(() => new Promise(() => undefined));
  let over = false;
  void Promise.resolve(tellFull(["a.test"], threads)).then(() => (over = true));
  await idle();
  assert.equal(over, true);
});

const REQUEST = { ip: "192.0.2.1", helo: "c.example", sender: "", recipient: "a@b.example" };
const HANGS = new Promise(() => undefined);

test("explain uses the first thread that answers; threads that hang or have ended are skipped", async () => {
  const clock = new ManualClock();
  for (const first of [() => HANGS, () => Promise.reject(new ChannelClosed())]) {
    const asked: string[] = [];
    const { threads } = smtpCrew((what) => {
      asked.push(what);
      if (what === "answers 1") return first();
      return what.startsWith("explain") ? { verdict: what } : undefined;
    });
    assert.deepEqual(await explainBy(threads, REQUEST, clock), { verdict: "explain 2" });
    assert.deepEqual(asked, ["answers 1", "answers 2", "explain 2"]);
  }
  assert.equal(clock.waiting, 0);
});

test("explain returns nothing if no thread answers or it ends meanwhile; its errors are passed on", async () => {
  const clock = new ManualClock();
  const explained = explainBy(smtpCrew(() => HANGS).threads, REQUEST, clock);
  await idle();
  clock.advance(4000);
  assert.equal(await explained, undefined);
  assert.equal(await explainBy([], REQUEST, clock), undefined);
  const failing = (error: Error): Promise<unknown> =>
    explainBy(
      smtpCrew((what) => (what.startsWith("explain") ? Promise.reject(error) : undefined)).threads,
      REQUEST,
      clock,
    );
  assert.equal(await failing(new ChannelClosed()), undefined);
  await assert.rejects(failing(new Error("a bug")), /^Error: a bug$/);
});

test("all threads are ended at the same time, and each is waited for even if another one fails", async () => {
  const slow = Promise.withResolvers<void>();
  const asked: string[] = [];
  const thread = (name: string, ended: Promise<void>): SmtpThread => {
    const end = (what: string, { grace }: { readonly grace: number }): Promise<void> => {
      asked.push(`${name} ${what} ${grace}`);
      return ended;
    };
    return { end } as unknown as SmtpThread;
  };
  let over = false;
  const ending = endAll([thread("1", Promise.reject(new Error("it crashed"))), thread("2", slow.promise)], 5);
  const failed = assert.rejects(ending, /it crashed/).then(() => (over = true));
  await idle();
  assert.deepEqual([asked, over], [["1 stop 5", "2 stop 5"], false]);
  slow.resolve();
  await failed;
});
