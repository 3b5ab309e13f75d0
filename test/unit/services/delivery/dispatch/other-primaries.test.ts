/** Mail that one primary of its domain cannot take: larger than its SIZE, or in need of SMTPUTF8. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Outcome } from "../../../../../src/mail/outcome.ts";
import { deliveryBench } from "../../../../support/delivery-bench.ts";
import { primaryAt } from "../../../../support/fake-directory.ts";
import { allOf, DELIVERED, unfit } from "../../../../support/fake-smtp-client.ts";

const MINUTE = 60_000;
const LARGE = "x".repeat(2000);
const NO_USER: Outcome = { kind: "refused", reply: { code: 550, enhanced: "5.1.1", text: "no such user" } };

/** `narrow` takes mail up to 1000 octets in ASCII, `wide` takes all; `preference` is that of `wide`. */
function twoPrimaries(preference = 10) {
  const bench = deliveryBench();
  const primaries = [primaryAt("192.0.2.1", 25), primaryAt("192.0.2.2", 25, { preference })];
  bench.directory.set("a.test", primaries);
  bench.directory.listed.set("alice", "alice");
  const [narrow, wide] = [bench.client.server("192.0.2.1:25"), bench.client.server("192.0.2.2:25")];
  narrow.size = 1000;
  wide.extensions = ["PIPELINING", "SMTPUTF8"];
  const large = () => bench.store.accept({ domain: "a.test", recipients: ["alice@a.test"], body: LARGE });
  return { ...bench, narrow, wide, large };
}

describe("mail that one primary cannot take", () => {
  for (const [preference, title] of [
    [0, "of equal preference"],
    [10, "that is less preferred"],
  ] as const)
    test(`goes to another ${title}, at once`, async () => {
      const { narrow, wide, ...bench } = twoPrimaries(preference);
      for (let i = 0; i < 20; i++) {
        bench.store.put({ domain: "a.test", body: LARGE });
        bench.store.put({ domain: "a.test", smtpUtf8: true });
        bench.store.put({ domain: "a.test" });
      }
      await bench.start();
      await bench.pass(2000);
      bench.large();
      await bench.pass(100);
      assert.deepEqual(bench.store.count(), { gone: 61 });
      assert.equal(narrow.mails.length + wide.mails.length, 61);
      assert.ok(narrow.mails.every(({ size, smtpUtf8 }) => size < 1000 && !smtpUtf8));
      assert.equal(bench.journal.of("mail.deferred").length, 0);
    });

  test("waits while the one that took such mail is away, and goes when it is back", async () => {
    const { wide, ...bench } = twoPrimaries();
    await bench.start({}, "all domains");
    await bench.pass(1000);
    wide.down = true;
    await bench.pass(2 * MINUTE, 1000);
    const mail = bench.large();
    await bench.pass(1000);
    assert.deepEqual(bench.store.count(), { waiting: 1 });
    assert.equal(mail.recipients[0]?.attempts, 1);
    assert.equal(
      bench.journal.of("mail.deferred")[0]?.reply?.text,
      "lacks SIZE; another primary may accept it later",
    );
    await bench.pass(10 * MINUTE, 1000);
    wide.down = false;
    await bench.pass(2000);
    assert.deepEqual(bench.store.count(), { gone: 1 });
  });

  test("waits for one that was never reached", async () => {
    const { wide, ...bench } = twoPrimaries();
    wide.down = true;
    await bench.start({}, "all domains");
    bench.large();
    await bench.pass(30 * MINUTE, 5000);
    assert.deepEqual(bench.store.count(), { waiting: 1 });
    Object.assign(wide, { down: false, size: 1000 });
    await bench.pass(2000);
    assert.deepEqual(bench.store.count(), { parked: 1 });
  });

  test("is parked where none takes it, and proves nothing of the primary", async () => {
    const { narrow, wide, ...bench } = twoPrimaries();
    wide.size = 1500;
    const delivery = await bench.start({}, "all domains");
    await bench.pass(1000);
    for (let i = 0; i < 3; i++) bench.large();
    await bench.pass(1000);
    assert.deepEqual(bench.store.count(), { parked: 3 });
    assert.equal(bench.journal.of("mail.parked")[0]?.reply?.text, "lacks SIZE");
    assert.equal(narrow.mails.length + wide.mails.length, 0);
    assert.deepEqual(
      delivery.status().map(({ allowed }) => allowed),
      [1, 1],
    );
  });

  test("is not sent to and fro between primaries that offer more than they keep", async () => {
    const { narrow, wide, ...bench } = twoPrimaries();
    narrow.size = undefined;
    for (const server of [narrow, wide]) server.onMail = (mail) => unfit(mail, "SIZE");
    await bench.start({}, "all domains");
    await bench.pass(1000);
    bench.large();
    await bench.pass(1000);
    assert.deepEqual(bench.store.count(), { parked: 1 });
    assert.deepEqual([narrow.mails.length, wide.mails.length], [1, 1]);
  });

  test("waits where its domain has lost its primaries by the time", async () => {
    const { narrow, ...bench } = twoPrimaries();
    Object.assign(narrow, { window: 2, takesBeside: false });
    const delivery = await bench.start({ connections: 1 }, "all domains");
    bench.store.accept({ domain: "a.test" });
    await bench.pass(1000);
    const answers: (() => void)[] = [];
    narrow.onMail = (mail) =>
      new Promise((resolve) => void answers.push(() => resolve(allOf(mail, DELIVERED))));
    bench.store.accept({ domain: "a.test" });
    await bench.pass(100);
    bench.large();
    await bench.pass(100);
    bench.directory.remove("a.test");
    delivery.directoryChanged(["a.test"]);
    await bench.pass(100);
    assert.deepEqual(bench.store.count(), { gone: 1, claimed: 2 }, "the one, and the other behind it");
    for (const answer of answers) answer();
    await bench.pass(1000);
    assert.deepEqual(bench.store.count(), { gone: 2, waiting: 1 });
  });

  test("does not pile up before one that is slow, and stands in nobody's way", async () => {
    const { narrow, wide, ...bench } = twoPrimaries();
    wide.onMail = () => new Promise(() => {});
    await bench.start({}, "all domains");
    await bench.pass(1000);
    for (let i = 0; i < 500; i++) bench.large();
    for (let i = 0; i < 500; i++) bench.store.accept({ domain: "a.test" });
    await bench.pass(5 * MINUTE, 1000);
    assert.equal(narrow.mails.length, 500);
    assert.equal(wide.mails.length, 1, "the canary");
    const { claimed = 0, waiting, gone } = bench.store.count();
    assert.ok(claimed <= 64, String(claimed));
    assert.deepEqual([waiting, gone], [500 - claimed, 500]);
  });

  test("is counted in the other's probation", async () => {
    const { wide, ...bench } = twoPrimaries();
    wide.down = true;
    wide.onMail = (mail) => allOf(mail, NO_USER);
    const delivery = await bench.start({}, "all domains");
    await bench.pass(10 * MINUTE, 1000);
    for (let i = 0; i < 3; i++) bench.large();
    await bench.pass(1000);
    wide.down = false;
    await bench.pass(3000);
    assert.deepEqual(bench.store.count(), { waiting: 3 });
    assert.equal(wide.mails.length, 1);
    assert.equal(delivery.status()[1]?.probation?.[0]?.state, "stopped");
    wide.onMail = (mail) => allOf(mail, { kind: "delivered", reply: { code: 250, text: "taken" } });
    await bench.pass(30 * MINUTE, 1000);
    assert.deepEqual(bench.store.count(), { gone: 3 });
    assert.deepEqual(
      bench.journal.of("probation.passed").map(({ why }) => why),
      ["a canary was accepted"],
    );
  });

  for (const how of ["a canary", "an operator"])
    test(`goes at once when ${how} ends the stop of the one that takes it, while another took the rest`, async () => {
      const { narrow, wide, ...bench } = twoPrimaries(-10);
      wide.down = true;
      wide.onMail = (mail) => allOf(mail, NO_USER);
      const delivery = await bench.start({}, "all domains");
      await bench.pass(10 * MINUTE, 1000);
      for (let i = 0; i < 5; i++) bench.large();
      wide.down = false;
      // Canaries fail, and what no other takes is put off for longer each time.
      await bench.pass(120 * MINUTE, 5000);
      assert.deepEqual(bench.store.count(), { waiting: 5 });
      wide.onMail = (mail) => allOf(mail, DELIVERED);
      const small = () => bench.store.accept({ domain: "a.test", recipients: ["alice@a.test"] });
      if (how === "an operator") await delivery.resume("a.test");
      for (let i = 0; i < 60 && bench.journal.of("probation.passed").length === 0; i++) {
        small();
        await bench.pass(MINUTE, 5000);
      }
      await bench.pass(1000);
      assert.equal(bench.store.count().waiting, undefined);
      assert.ok(narrow.mails.every(({ size }) => size < 1000));
    });

  test("takes no place in the probation of the one that cannot take it", async () => {
    const { narrow, wide, ...bench } = twoPrimaries();
    narrow.down = true;
    await bench.start({}, "all domains");
    await bench.pass(10 * MINUTE, 1000);
    narrow.down = false;
    await bench.pass(20_000, 1000);
    bench.large();
    await bench.pass(1000);
    bench.store.accept({ domain: "a.test" });
    await bench.pass(1000);
    assert.deepEqual(bench.store.count(), { gone: 2 });
    assert.deepEqual([narrow.mails.length, wide.mails.length], [1, 1]);
  });
});
