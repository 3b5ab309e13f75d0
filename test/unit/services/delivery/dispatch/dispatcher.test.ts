/** What is due is asked for again, whatever became of the last question; no survey looks in these tests. */
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

/** The store fails at this, once. */
function failOnce(store: WorkStore, verb: "unhold" | "wake" | "claim"): void {
  const works = store[verb];
  (store as unknown as Record<string, () => Promise<never>>)[verb] = async () => {
    Object.assign(store, { [verb]: works });
    throw new Error("the disk hiccups");
  };
}

/** A primary that was away for ten minutes, and then refused alice, who exists; from then on it takes mail. */
async function refuser() {
  const bench = deliveryBench();
  const { one } = servers(bench);
  bench.directory.set("a.test", [ONE]);
  bench.directory.listed.set("alice", "alice");
  one.down = true;
  const delivery = await bench.start({}, "all domains");
  await bench.pass(10 * MINUTE, 1000);
  bench.store.accept({ domain: "a.test", recipients: ["alice@a.test"] });
  one.onMail = (mail) => allOf(mail, NO_USER);
  one.down = false;
  await bench.pass(3000);
  assert.deepEqual(bench.store.count(), { held: 1 });
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
  failOnce(store, "claim");
  await pass(15_000);
  assert.deepEqual(store.count(), { gone: 2 });
});

test("a store that fails when a canary is to be let go is asked again", async () => {
  const { store, pass } = await refuser();
  failOnce(store, "unhold");
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
    failOnce(store, "unhold");
    one.onMail = (next) => allOf(next, DELIVERED);
    return allOf(mail, DELIVERED);
  };
  await pass(2 * MINUTE, 1000);
  assert.deepEqual(store.count(), { gone: 3 });
});

test("a store that fails when an operator resumes a domain is asked again, though they were told", async () => {
  const { delivery, store, pass } = await refuser();
  failOnce(store, "unhold");
  await assert.rejects(delivery.resume("a.test"));
  await pass(3000);
  assert.deepEqual(store.count(), { gone: 1 });
});

test("a store that fails when a primary returns is asked again to make its mail due", async () => {
  const bench = deliveryBench();
  const { one } = servers(bench);
  bench.directory.set("a.test", [ONE]);
  bench.store.put({ domain: "a.test", dueAt: bench.clock.now() + 60 * MINUTE });
  one.down = true;
  await bench.start();
  await bench.pass(MINUTE, 1000);
  failOnce(bench.store, "wake");
  one.down = false;
  await bench.pass(4000);
  assert.deepEqual(bench.store.count(), { gone: 1 });
});
