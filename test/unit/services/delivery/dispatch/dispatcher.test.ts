/** What is due is asked for again, whatever became of the last question; a survey looks only where a test runs it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { WorkStore } from "../../../../../src/ports/work-store.ts";
import { deliveryBench, type Bench } from "../../../../support/delivery-bench.ts";
import { primaryAt } from "../../../../support/fake-directory.ts";
import { allOf, DELIVERED } from "../../../../support/fake-smtp-client.ts";
import { holdClaims } from "../../../../support/hold-claims.ts";

const MINUTE = 60_000;
const ONE = primaryAt("192.0.2.5", 25);
const OTHER = primaryAt("192.0.2.6", 25);
const NO_USER = { kind: "refused", reply: { code: 550, text: "no such user" } } as const;

function servers(bench: Bench) {
  return { one: bench.client.server("192.0.2.5:25"), other: bench.client.server("192.0.2.6:25") };
}

/** The store fails at this, so many times; answers how often it was asked since. */
function fail(store: WorkStore, verb: "unhold" | "wake" | "claim", times = 1): () => number {
  const works = store[verb].bind(store) as (...given: unknown[]) => unknown;
  let asked = 0;
  const failing = async (...given: unknown[]) => {
    asked += 1;
    if (asked <= times) throw new Error("the disk hiccups");
    return works(...given);
  };
  Object.assign(store, { [verb]: failing });
  return () => asked;
}

/** A primary that was away for ten minutes, and then refused alice, who exists; from then on it takes mail. */
async function refuser(...others: readonly string[]) {
  const bench = deliveryBench();
  const { one } = servers(bench);
  bench.directory.set("a.test", [ONE]);
  for (const local of ["bob", "alice", ...others]) bench.directory.listed.set(local, local);
  one.down = true;
  const delivery = await bench.start({}, "all domains");
  await bench.pass(10 * MINUTE, 1000);
  // Once one was taken, more are asked for than there are: nothing is due any more.
  if (others.length > 0) bench.store.accept({ domain: "a.test", recipients: ["bob@a.test"] });
  const recipients = ["alice", ...others].map((local) => `${local}@a.test`);
  const { id } = bench.store.accept({ domain: "a.test", recipients });
  one.onMail = (mail) => allOf(mail, mail.id === id ? NO_USER : DELIVERED);
  one.down = false;
  await bench.pass(3000);
  assert.equal(bench.store.count().held, recipients.length);
  one.onMail = (mail) => allOf(mail, DELIVERED);
  return { ...bench, one, delivery };
}

test("a primary asks for its other domain's mail when another primary was quicker to claim all of one", async () => {
  const bench = deliveryBench();
  servers(bench);
  bench.directory.set("two.test", [OTHER, ONE]);
  bench.directory.set("one.test", [ONE]);
  for (const domain of ["two.test", "one.test"]) bench.store.put({ domain });
  await bench.start();
  await bench.pass(5000);
  assert.deepEqual(bench.store.count(), { gone: 2 });
});

test("a primary asks for its other domain's mail when one was paused while its mail was claimed", async () => {
  const bench = deliveryBench();
  servers(bench);
  for (const domain of ["a.test", "b.test"]) bench.directory.set(domain, [ONE]);
  for (const domain of ["a.test", "b.test"]) bench.store.put({ domain });
  const claims = holdClaims(bench);
  const delivery = await bench.start();
  await bench.pass(1000);
  const claimed = bench.store.claims[0]?.domain ?? "";
  bench.directory.set(claimed, [ONE], { paused: true });
  delivery.directoryChanged([claimed]);
  await bench.pass(100);
  claims.letGo();
  await bench.pass(3000);
  assert.deepEqual(bench.store.count(), { gone: 1, waiting: 1 });
});

test("of two primaries that ask for the same canary the one that comes too late takes the next, and mail flows", async () => {
  const bench = deliveryBench();
  const { one, other } = servers(bench);
  bench.directory.set("a.test", [ONE, OTHER]);
  one.down = other.down = true;
  await bench.start({}, "all domains");
  await bench.pass(10 * MINUTE, 1000);
  one.down = other.down = false;
  await bench.pass(20_000, 1000);
  for (let i = 0; i < 10; i++) bench.store.put({ domain: "a.test" });
  bench.store.tell({ kind: "work", domain: "a.test", recipients: 10 });
  await bench.pass(5000);
  assert.deepEqual(bench.store.count(), { gone: 10 });
});

test("a canary that the store could not give has not failed: another goes as soon as it can", async () => {
  const { store, pass } = await refuser();
  await pass(5 * MINUTE - 10_000, 1000);
  store.accept({ domain: "a.test" });
  fail(store, "claim");
  await pass(15_000);
  assert.deepEqual(store.count(), { gone: 2 });
});

for (const stopped of [false, true])
  test(`canaries that are gone, and a store that fails, time and again: the next goes, ${stopped ? "after a stop" : "at first"}`, async () => {
    const { one, store, pass } = await refuser();
    if (!stopped) {
      one.down = true;
      await pass(10 * MINUTE, 1000);
    }
    store.accept({ domain: "a.test" });
    const claim = store.claim.bind(store);
    let asked = 0;
    store.claim = async (request) => {
      asked += 1;
      if (asked > 40) return claim(request);
      if (asked % 15 === 0) throw new Error("the disk hiccups");
      return [];
    };
    one.down = false;
    await pass(stopped ? 5 * MINUTE - 5000 : 100);
    await pass(3000);
    assert.ok(asked <= 40, "ten in a second");
    await pass(8000);
    assert.deepEqual(store.count(), { gone: 2 });
  });

test("a store that fails when a canary is to be let go is asked again", async () => {
  const { store, pass } = await refuser();
  fail(store, "unhold");
  await pass(5 * MINUTE + 5000, 1000);
  assert.deepEqual(store.count(), { gone: 1 });
});

test("a store that fails when what was held is to go on is asked again", async () => {
  const { one, store, pass } = await refuser();
  one.onMail = (mail) => allOf(mail, NO_USER);
  store.accept({ domain: "a.test", recipients: ["alice@a.test"] });
  await pass(5 * MINUTE + 5000, 1000);
  one.onMail = (mail) => allOf(mail, DELIVERED);
  await pass(9 * MINUTE, 1000);
  store.accept({ domain: "a.test" });
  one.onMail = (mail) => {
    fail(store, "unhold");
    one.onMail = (next) => allOf(next, DELIVERED);
    return allOf(mail, DELIVERED);
  };
  await pass(2 * MINUTE, 1000);
  assert.deepEqual(store.count(), { gone: 3 });
});

test("a store that fails when an operator resumes a domain is asked again, though they were told", async () => {
  const { delivery, store, pass } = await refuser();
  fail(store, "unhold");
  await assert.rejects(delivery.resume("a.test"));
  await pass(3000);
  assert.deepEqual(store.count(), { gone: 1 });
});

/** The same with anna, just before the canary: two recipients are set aside, and nothing is due. */
async function refuserOfTwo() {
  const bench = await refuser("anna");
  await bench.pass(5 * MINUTE - 5000, 1000);
  return bench;
}

test("a store that fails several times over when a canary is to be let go is asked once a second, for no more than that", async () => {
  const { one, store, pass } = await refuserOfTwo();
  one.onMail = (mail) => allOf(mail, NO_USER);
  const asked = fail(store, "unhold", 5);
  await pass(13_000);
  assert.deepEqual([store.count(), asked(), one.mails.length], [{ gone: 1, held: 2 }, 6, 3]);
});

test("what an operator resumes while the store fails to let a canary go all goes on", async () => {
  const { delivery, store, pass } = await refuserOfTwo();
  const asked = fail(store, "unhold", 5);
  while (asked() < 3) await pass(100);
  await assert.rejects(delivery.resume("a.test"));
  await pass(3000);
  assert.deepEqual([store.count(), asked()], [{ gone: 3 }, 6]);
});

test("nothing that was set aside is asked for after a stop", async () => {
  const { delivery, store, pass } = await refuserOfTwo();
  const asked = fail(store, "unhold", 5);
  while (asked() < 3) await pass(100);
  const stopped = delivery.stop();
  await pass(60_000, 1000);
  await stopped;
  assert.equal(asked(), 3);
});

test("a store that fails when a primary returns is asked each second to make its mail due", async () => {
  const bench = deliveryBench();
  const { one } = servers(bench);
  bench.directory.set("a.test", [ONE]);
  bench.store.put({ domain: "a.test", dueAt: bench.clock.now() + 60 * MINUTE });
  one.down = true;
  await bench.start();
  await bench.pass(MINUTE, 1000);
  const asked = fail(bench.store, "wake", 3);
  one.down = false;
  await bench.pass(6000);
  assert.equal(asked(), 4);
  assert.deepEqual(bench.store.count(), { gone: 1 });
});

test("mail that comes while the queue is counted is not taken for none: its primary is asked each second", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt("192.0.2.1", 25)]);
  const server = bench.client.server("192.0.2.1:25");
  server.down = true;
  const delivery = await bench.start({}, "all domains");
  await bench.pass(60_000, 1000);
  const counted = Promise.withResolvers<void>();
  const work = bench.store.work.bind(bench.store);
  bench.store.work = async () => {
    const before = await work();
    await counted.promise;
    return before;
  };
  const survey = delivery.jobs.find(({ name }) => name === "delivery.survey")?.run();
  await bench.pass(100);
  bench.store.accept({ domain: "a.test" });
  counted.resolve();
  await survey;
  await bench.pass(30_000, 500);
  const { knocks } = server;
  await bench.pass(30_000, 500);
  assert.ok(server.knocks - knocks > 25, `${server.knocks - knocks} times in 30 s`);
});
