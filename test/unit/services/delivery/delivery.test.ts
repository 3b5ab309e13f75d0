import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { reroutedKey } from "../../../../src/mail/delivery-key.ts";
import { DestinationTrouble, type SendResult } from "../../../../src/ports/smtp-client.ts";
import { deliveryBench } from "../../../support/delivery-bench.ts";
import { primaryAt } from "../../../support/fake-directory.ts";
import { allOf, DELIVERED } from "../../../support/fake-smtp-client.ts";
import { holdClaims } from "../../../support/hold-claims.ts";
import { idle } from "../../../support/settle.ts";

const AT = "192.0.2.5:25";
const PRIMARY = primaryAt("192.0.2.5", 25);

function oneDomain() {
  const bench = deliveryBench();
  bench.directory.set("a.test", [PRIMARY]);
  return { ...bench, server: bench.client.server(AT) };
}

/** One mail is in conversation with a primary that never answers it. */
async function unanswered() {
  const bench = oneDomain();
  bench.server.onMail = () => new Promise(() => {});
  bench.store.put({ domain: "a.test" });
  const delivery = await bench.start();
  await bench.pass(100);
  return { bench, delivery };
}

/** A mail whose final dot the primary has, and whose answer it gives when it is told to. */
async function unansweredDot() {
  const bench = oneDomain();
  const answer = Promise.withResolvers<void>();
  bench.server.answersAt = "dot";
  bench.server.onMail = (mail) => answer.promise.then(() => allOf(mail, DELIVERED));
  bench.store.put({ domain: "a.test" });
  const delivery = await bench.start();
  await bench.pass(100);
  return { bench, delivery, answer };
}

async function failing(): Promise<never> {
  throw new Error("the store is out of order");
}

test("mail that grows old counts for its domain, also what an operator sent elsewhere", async () => {
  const bench = oneDomain();
  bench.server.down = true;
  bench.client.server("192.0.2.7:2525").down = true;
  const elsewhere = reroutedKey("a.test", "192.0.2.7:2525");
  for (const domain of ["a.test", elsewhere, elsewhere]) bench.store.put({ domain });
  bench.clock.advance(29 * 86_400_000);
  const delivery = await bench.start();
  for (let look = 0; look < 2; look++)
    await delivery.jobs.find(({ name }) => name === "delivery.survey")?.run();
  for (const kind of ["queue.oldest", "queue.expiring"] as const)
    assert.deepEqual(
      bench.journal.of(kind).map(({ domain, recipients }) => [domain, recipients]),
      [["a.test", 3]],
    );
});

describe("handing over", () => {
  test("what waits at the start is delivered", async () => {
    const bench = oneDomain();
    for (let i = 0; i < 50; i++) bench.store.put({ domain: "a.test" });
    await bench.start();
    await bench.pass(100);
    assert.deepEqual(bench.store.count(), { gone: 50 });
    assert.equal(bench.journal.of("mail.delivered").length, 50);
  });

  test("the first mail goes alone, then connections double up to the limit", async () => {
    const bench = oneDomain();
    const waiting: (() => void)[] = [];
    bench.server.onMail = (mail) =>
      new Promise((resolve) => waiting.push(() => resolve(allOf(mail, DELIVERED))));
    for (let i = 0; i < 100; i++) bench.store.put({ domain: "a.test" });
    await bench.start();
    const open: number[] = [];
    for (let round = 0; round < 6; round++) {
      await bench.pass(10);
      open.push(waiting.length);
      for (const finish of waiting.splice(0)) finish();
    }
    assert.deepEqual(open, [1, 2, 4, 8, 8, 8]);
    assert.equal(bench.server.mostOpen, 8);
  });

  test("the first mail is claimed alone, however long the store takes and however much comes meanwhile", async () => {
    const bench = oneDomain();
    for (let i = 0; i < 5; i++) bench.store.put({ domain: "a.test" });
    const { letGo } = holdClaims(bench);
    await bench.start();
    for (let i = 0; i < 5; i++) {
      bench.store.accept({ domain: "a.test" });
      await bench.pass(100);
    }
    assert.deepEqual(bench.store.count(), { claimed: 1, waiting: 9 });
    letGo();
    await bench.pass(1000);
    assert.deepEqual(bench.store.count(), { gone: 10 });
  });

  test("no more is claimed than is in conversation and one ahead", async () => {
    const bench = oneDomain();
    bench.server.onMail = () => new Promise(() => {});
    for (let i = 0; i < 100; i++) bench.store.put({ domain: "a.test" });
    await bench.start();
    await bench.pass(1000);
    assert.equal(bench.store.count().claimed, 1, "the canary");
    let sent = 0;
    bench.server.onMail = (mail) =>
      sent++ < 20 ? allOf(mail, DELIVERED) : new Promise<SendResult>(() => {});
    const other = oneDomain();
    other.server.onMail = bench.server.onMail;
    for (let i = 0; i < 100; i++) other.store.put({ domain: "a.test" });
    await other.start();
    await other.pass(1000);
    assert.equal(other.store.count().gone, 20);
    assert.ok((other.store.count().claimed ?? 0) <= 16, JSON.stringify(other.store.count()));
  });

  test("a connection is used for many mails, but for no more than the setting", async () => {
    const bench = oneDomain();
    for (let i = 0; i < 30; i++) bench.store.put({ domain: "a.test" });
    await bench.start({ connections: 1, mailsPerConnection: 10 });
    await bench.pass(100);
    assert.equal(bench.store.count().gone, 30);
    // The first is the one by which a probe found it up.
    assert.equal(bench.server.conversations, 3);
  });

  test("an idle connection waits 2 s for the next mail, then ends", async () => {
    const bench = oneDomain();
    await bench.start();
    bench.store.accept({ domain: "a.test" });
    await bench.pass(1500);
    const { conversations } = bench.server;
    bench.store.accept({ domain: "a.test" });
    await bench.pass(1900);
    assert.equal(bench.server.conversations, conversations, "the same connection");
    assert.equal(bench.server.open, 1);
    await bench.pass(200);
    assert.equal(bench.server.open, 0);
  });

  test("a 4xx to one recipient waits its minute and does not hold others back", async () => {
    const bench = oneDomain();
    bench.store.put({ domain: "a.test", recipients: ["full@a.test", "ok@a.test"] });
    bench.store.put({ domain: "a.test" });
    const full = { kind: "deferred", reply: { code: 452, enhanced: "4.2.2", text: "full" } } as const;
    bench.server.onMail = (mail) => ({
      took: 1,
      outcomes: new Map(
        mail.recipients.map(({ n, address }) => [n, address.startsWith("full") ? full : DELIVERED]),
      ),
    });
    await bench.start();
    await bench.pass(1000);
    assert.deepEqual(bench.store.count(), { waiting: 1, gone: 2 });
    await bench.pass(57_000, 1000);
    assert.equal(bench.server.mails.length, 2);
    bench.server.onMail = (mail) => allOf(mail, DELIVERED);
    await bench.pass(5000, 1000);
    assert.deepEqual(bench.store.count(), { gone: 3 });
  });

  test("mails that were put off one after the other are each tried again when their minute is over", async () => {
    const bench = oneDomain();
    const busy = { kind: "deferred", reply: { code: 451, text: "busy" } } as const;
    bench.server.onMail = (mail) => allOf(mail, busy);
    await bench.start();
    for (const _ of ["first", "second"]) {
      await bench.pass(10_000, 1000);
      bench.store.accept({ domain: "a.test" });
      await bench.pass(20_000, 1000);
    }
    bench.server.onMail = (mail) => allOf(mail, DELIVERED);
    await bench.pass(12_000, 1000);
    assert.deepEqual(bench.store.count(), { gone: 1, waiting: 1 });
    await bench.pass(30_000, 1000);
    assert.deepEqual(bench.store.count(), { gone: 2 }, "before the next count of what waits, at 120 s");
  });

  test("a final refusal is parked with the primary's words", async () => {
    const bench = oneDomain();
    const mail = bench.store.put({ domain: "a.test" });
    bench.server.onMail = (sent) =>
      allOf(sent, { kind: "refused", reply: { code: 550, enhanced: "5.1.1", text: "no such user" } });
    await bench.start();
    await bench.pass(100);
    assert.equal(mail.recipients[0]?.state, "parked");
    assert.equal(mail.recipients[0]?.reason, "refused");
    assert.equal(bench.journal.of("mail.parked")[0]?.reply?.text, "no such user");
  });

  test("a lost reply is unconfirmed, tried again later, and a later delivery is named a possible double", async () => {
    const bench = oneDomain();
    const mail = bench.store.put({ domain: "a.test" });
    const lost = new DestinationTrouble("session", "connection lost");
    bench.server.onMail = (sent) => allOf(sent, { kind: "unconfirmed", why: "connection lost" }, lost);
    await bench.start();
    await bench.pass(1000);
    assert.equal(mail.recipients[0]?.state, "unconfirmed");
    assert.equal(bench.server.mails.length, 1);
    bench.server.onMail = (sent) => allOf(sent, DELIVERED);
    await bench.pass(62_000, 1000);
    assert.equal(mail.recipients[0]?.state, "gone");
    assert.equal(bench.journal.of("mail.delivered")[0]?.maybeDouble, true);
  });

  test("the third lost reply holds the mail", async () => {
    const bench = oneDomain();
    const mail = bench.store.put({ domain: "a.test" });
    bench.server.onMail = (sent) => allOf(sent, { kind: "unconfirmed", why: "silence" });
    await bench.start();
    await bench.pass(10 * 60_000, 1000);
    assert.equal(mail.recipients[0]?.state, "held");
    assert.equal(mail.recipients[0]?.reason, "unconfirmed");
    assert.equal(bench.server.mails.length, 3);
    assert.deepEqual(
      bench.journal.of("mail.held").map(({ reason }) => reason),
      ["unconfirmed"],
    );
  });
});

describe("an outage", () => {
  test("is told once, and the first delivery comes within 2 s of the return, after hours as after minutes", async () => {
    for (const outage of [5 * 60_000, 6 * 3_600_000]) {
      const bench = oneDomain();
      bench.server.down = true;
      for (let i = 0; i < 20; i++) bench.store.put({ domain: "a.test" });
      await bench.start();
      await bench.pass(2000);
      assert.deepEqual(
        bench.journal.of("primary.down").map(({ held, domains }) => [held, domains]),
        [[20, ["a.test"]]],
      );
      await bench.pass(outage, outage / 400);
      assert.equal(bench.journal.of("primary.down").length, 1);
      bench.server.down = false;
      await bench.pass(1200, 50);
      assert.deepEqual(bench.store.count(), { gone: 20 });
      const [up] = bench.journal.of("primary.up");
      assert.ok(up !== undefined && up.outage >= outage, JSON.stringify(up));
      assert.equal(bench.journal.of("primary.drained")[0]?.delivered, 20);
    }
  });

  test("that is found at the start is told with all that waits, however long counting takes", async () => {
    const bench = oneDomain();
    bench.server.down = true;
    for (let i = 0; i < 20; i++) bench.store.put({ domain: "a.test" });
    const counted = Promise.withResolvers<void>();
    const work = bench.store.work.bind(bench.store);
    bench.store.work = () => counted.promise.then(work);
    await bench.start({}, "all domains");
    await bench.pass(5000);
    counted.resolve();
    await bench.pass(2000);
    assert.deepEqual(
      bench.journal.of("primary.down").map(({ held }) => held),
      [20],
    );
  });

  test("is told though what waits cannot be counted", async () => {
    const bench = oneDomain();
    bench.server.down = true;
    bench.store.work = failing;
    await bench.start({}, "all domains");
    await bench.pass(2000);
    assert.equal(bench.journal.of("primary.down").length, 1);
  });

  test("makes no probe beyond one a second, and none after the return", async () => {
    const bench = oneDomain();
    bench.server.down = true;
    bench.store.put({ domain: "a.test" });
    await bench.start();
    await bench.pass(60_000);
    assert.ok(bench.server.knocks >= 55 && bench.server.knocks <= 66, String(bench.server.knocks));
    assert.equal(bench.server.conversations, 0, "no EHLO before a connect succeeded");
    bench.server.down = false;
    await bench.pass(2000);
    const { knocks } = bench.server;
    await bench.pass(30_000, 1000);
    assert.equal(bench.server.knocks, knocks);
  });

  test("is not probed each second for mail of a domain that is paused", async () => {
    const bench = oneDomain();
    bench.directory.set("a.test", [PRIMARY], { paused: true });
    bench.store.put({ domain: "a.test" });
    bench.server.down = true;
    const delivery = await bench.start();
    await bench.pass(10_000, 1000);
    const before = bench.server.knocks;
    await bench.pass(60_000, 1000);
    assert.ok(bench.server.knocks - before <= 5, String(bench.server.knocks - before));
    bench.directory.set("a.test", [PRIMARY]);
    delivery.directoryChanged(["a.test"]);
    await bench.pass(1000);
    bench.server.down = false;
    await bench.pass(2000);
    assert.deepEqual(bench.store.count(), { gone: 1 });
  });

  test("is asked about at once when an operator flushes the queue, though it refuses us", async () => {
    const bench = oneDomain();
    const reply = { code: 554, text: "go away" };
    bench.server.greeting = new DestinationTrouble("greeting", "it answered 554", reply);
    bench.store.put({ domain: "a.test" });
    const delivery = await bench.start();
    await bench.pass(5 * 60_000, 1000);
    bench.server.greeting = undefined;
    await delivery.flush(["a.test"]);
    await bench.pass(1000);
    assert.deepEqual(bench.store.count(), { gone: 1 });
  });

  test("its end wakes what was deferred", async () => {
    const bench = oneDomain();
    bench.server.onMail = (mail) => allOf(mail, { kind: "deferred", reply: { code: 451, text: "later" } });
    bench.store.put({ domain: "a.test" });
    await bench.start();
    await bench.pass(3000);
    assert.deepEqual(bench.store.count(), { waiting: 1 });
    bench.server.down = true;
    bench.server.onMail = (mail) => allOf(mail, DELIVERED);
    bench.store.put({ domain: "a.test" });
    bench.store.tell({ kind: "work", domain: "a.test", recipients: 1 });
    await bench.pass(3000);
    bench.server.down = false;
    await bench.pass(2000);
    assert.deepEqual(bench.store.count(), { gone: 2 });
    assert.deepEqual(bench.store.woken, [["a.test"]]);
  });

  test("releases what was claimed and not begun, with no attempt counted", async () => {
    const bench = oneDomain();
    let sent = 0;
    const lost = new DestinationTrouble("session", "connection reset");
    const parked: (() => void)[] = [];
    bench.server.onMail = (mail) =>
      ++sent <= 30
        ? allOf(mail, DELIVERED)
        : new Promise((resolve) =>
            parked.push(() =>
              resolve(allOf(mail, { kind: "deferred", reply: { code: 421, text: "reset" } }, lost)),
            ),
          );
    for (let i = 0; i < 60; i++) bench.store.put({ domain: "a.test" });
    await bench.start();
    await bench.pass(100);
    assert.ok((bench.store.count().claimed ?? 0) > 8);
    bench.server.down = true;
    for (const lose of parked.splice(0)) lose();
    await bench.pass(500);
    assert.deepEqual(bench.store.count(), { gone: 30, waiting: 30 });
    const attempts = bench.store.mails.flatMap(({ recipients }) => recipients.map((each) => each.attempts));
    assert.equal(attempts.filter((count) => count === 0).length, 22, "only the 8 in conversation count");
    bench.server.onMail = (mail) => allOf(mail, DELIVERED);
    bench.server.down = false;
    await bench.pass(2500);
    assert.deepEqual(bench.store.count(), { gone: 60 });
  });

  test("releases what was being claimed when it began", async () => {
    const bench = oneDomain();
    bench.directory.set("b.test", [PRIMARY]);
    await bench.start({}, "all domains");
    for (let i = 0; i < 3; i++) {
      bench.store.accept({ domain: "b.test" });
      await bench.pass(100);
    }
    const { letGo } = holdClaims(bench);
    bench.store.grants.set("a.test", 0);
    bench.store.accept({ domain: "a.test" });
    await idle();
    assert.deepEqual(bench.store.count(), { gone: 3, claimed: 1 });
    bench.server.down = true;
    bench.server.onMail = (mail) =>
      allOf(mail, { kind: "released" }, new DestinationTrouble("session", "gone"));
    bench.store.accept({ domain: "b.test" });
    await bench.pass(3000);
    assert.equal(bench.journal.of("primary.down").length, 1);
    letGo();
    await idle();
    assert.deepEqual(bench.store.count(), { gone: 3, waiting: 2 });
  });

  test("that begins while the only mail is being claimed ends with that mail within 2 s of the return as well", async () => {
    const bench = oneDomain();
    await bench.start({}, "all domains");
    await bench.pass(1000);
    const { letGo } = holdClaims(bench);
    bench.store.grants.set("a.test", 0);
    bench.store.accept({ domain: "a.test" });
    bench.server.down = true;
    await bench.pass(2 * 60_000, 1000);
    assert.deepEqual([bench.store.count(), bench.journal.of("primary.down").length], [{ claimed: 1 }, 1]);
    letGo();
    await bench.pass(20_000, 1000);
    bench.server.down = false;
    await bench.pass(2000);
    assert.deepEqual(bench.store.count(), { gone: 1 });
  });

  test("a primary that takes connections but no mail is not hammered", async () => {
    const bench = oneDomain();
    const closing = new DestinationTrouble("session", "421 go away", { code: 421, text: "go away" });
    bench.server.onMail = (mail) =>
      allOf(mail, { kind: "deferred", reply: { code: 421, text: "go away" } }, closing);
    for (let i = 0; i < 500; i++) bench.store.put({ domain: "a.test" });
    await bench.start();
    await bench.pass(600_000, 500);
    assert.ok(bench.server.mails.length < 30, `${bench.server.mails.length} mails`);
    assert.ok(bench.journal.of("primary.down").length <= 2, JSON.stringify(bench.journal.of("primary.down")));
    assert.equal(bench.store.woken.length <= 2, true);
    bench.server.onMail = (mail) => allOf(mail, DELIVERED);
    await bench.pass(120_000, 500);
    assert.deepEqual(bench.store.count(), { gone: 500 });
  });

  test("a refusal at connect is probed gently", async () => {
    const bench = oneDomain();
    bench.server.greeting = new DestinationTrouble("greeting", "554 no", { code: 554, text: "no" });
    bench.store.put({ domain: "a.test" });
    const delivery = await bench.start();
    await bench.pass(1000);
    assert.equal(delivery.status()[0]?.state, "banned");
    await bench.pass(3_600_000, 5000);
    assert.ok(bench.server.knocks <= 10, String(bench.server.knocks));
    bench.server.greeting = undefined;
    await bench.pass(16 * 60_000, 5000);
    assert.deepEqual(bench.store.count(), { gone: 1 });
  });

  test("one bad primary slows no other", async () => {
    const bench = oneDomain();
    bench.directory.set("bad.test", [primaryAt("192.0.2.66", 25)]);
    bench.client.server("192.0.2.66:25").onMail = () => new Promise(() => {});
    for (let i = 0; i < 40; i++) bench.store.put({ domain: i % 2 === 0 ? "a.test" : "bad.test" });
    await bench.start();
    await bench.pass(100);
    assert.equal(bench.store.count().gone, 20);
  });
});

describe("fresh mail", () => {
  test("comes by a grant and goes at once", async () => {
    const bench = oneDomain();
    await bench.start();
    bench.store.accept({ domain: "a.test" });
    await bench.pass(10);
    assert.deepEqual(bench.store.count(), { gone: 1 });
    const { length } = bench.store.claims;
    for (let i = 0; i < 10; i++) {
      assert.ok((bench.store.grants.get("a.test") ?? 0) > 0);
      bench.store.accept({ domain: "a.test" });
      await idle();
    }
    assert.equal(bench.store.claims.length, length, "no claim was asked for");
    assert.deepEqual(bench.store.count(), { gone: 11 });
  });

  test("gets no grant while the primary is down", async () => {
    const bench = oneDomain();
    await bench.start();
    bench.store.accept({ domain: "a.test" });
    await bench.pass(100);
    assert.ok((bench.store.grants.get("a.test") ?? 0) > 0);
    bench.server.down = true;
    bench.server.onMail = (mail) =>
      allOf(mail, { kind: "released" }, new DestinationTrouble("session", "gone"));
    bench.store.accept({ domain: "a.test" });
    await bench.pass(100);
    assert.equal(bench.store.grants.get("a.test"), 0);
    assert.deepEqual(bench.store.count(), { gone: 1, waiting: 1 });
  });

  test("of other domains gets none either, once one mail showed that their primary is down", async () => {
    const bench = oneDomain();
    bench.directory.set("b.test", [PRIMARY]);
    await bench.start();
    for (const domain of ["a.test", "b.test", "b.test"]) {
      bench.store.accept({ domain });
      await bench.pass(1000);
    }
    assert.ok((bench.store.grants.get("b.test") ?? 0) > 0);
    bench.server.down = true;
    bench.server.onMail = (mail) =>
      allOf(mail, { kind: "released" }, new DestinationTrouble("session", "gone"));
    bench.store.accept({ domain: "a.test" });
    await bench.pass(100);
    assert.equal(bench.store.grants.get("b.test"), 0);
  });

  test("a saturated pool takes its grants back", async () => {
    const bench = oneDomain();
    await bench.start();
    bench.store.accept({ domain: "a.test" });
    await bench.pass(100);
    bench.server.onMail = () => new Promise(() => {});
    for (let i = 0; i < 200; i++) {
      bench.store.accept({ domain: "a.test" });
      await idle();
    }
    assert.equal(bench.store.grants.get("a.test"), 0);
    assert.ok((bench.store.count().claimed ?? 0) <= 64, JSON.stringify(bench.store.count()));
  });

  test("that came during a claim which did not find it is claimed next", async () => {
    const bench = oneDomain();
    for (let i = 0; i < 3; i++) bench.store.put({ domain: "a.test" });
    await bench.start({}, "all domains");
    await bench.pass(1000);
    const { letGo } = holdClaims(bench);
    for (let i = 0; i < 2; i++) {
      bench.store.grants.set("a.test", 0);
      bench.store.accept({ domain: "a.test" });
      await idle();
    }
    assert.deepEqual(bench.store.count(), { gone: 3, claimed: 1, waiting: 1 });
    letGo();
    await bench.pass(500);
    assert.deepEqual(bench.store.count(), { gone: 5 });
  });

  test("whose credit crossed with a pause of its domain goes back", async () => {
    const bench = oneDomain();
    const delivery = await bench.start({}, "all domains");
    await bench.pass(1000);
    bench.directory.set("a.test", [PRIMARY], { paused: true });
    delivery.directoryChanged(["a.test"]);
    await bench.pass(1100);
    bench.store.grant("a.test", 1);
    bench.store.accept({ domain: "a.test" });
    await bench.pass(1000);
    assert.deepEqual([bench.store.count(), bench.server.mails.length], [{ waiting: 1 }, 0]);
  });

  test("that was being claimed when its domain was paused goes back", async () => {
    const bench = oneDomain();
    const delivery = await bench.start({}, "all domains");
    await bench.pass(1000);
    const { letGo } = holdClaims(bench);
    bench.store.grants.set("a.test", 0);
    bench.store.accept({ domain: "a.test" });
    await idle();
    assert.deepEqual(bench.store.count(), { claimed: 1 });
    bench.directory.set("a.test", [PRIMARY], { paused: true });
    delivery.directoryChanged(["a.test"]);
    await bench.pass(1100);
    letGo();
    await bench.pass(1000);
    assert.deepEqual([bench.store.count(), bench.server.mails.length], [{ waiting: 1 }, 0]);
  });

  test("whose credit crossed with the loss of its route goes back", async () => {
    const bench = deliveryBench();
    bench.directory.set("a.test", [primaryAt("", 25, { mx: true })]);
    bench.resolver.exchangers.set("a.test", { kind: "found", records: [{ preference: 0, host: "" }] });
    await bench.start({}, "all domains");
    await bench.pass(1000);
    bench.store.grant("a.test", 1);
    bench.store.accept({ domain: "a.test" });
    await bench.pass(1000);
    assert.deepEqual(bench.store.count(), { waiting: 1 });
  });

  test("credits for 1,000 domains of one primary stay within its room", async () => {
    const bench = oneDomain();
    for (let i = 0; i < 1000; i++) bench.directory.set(`d${i}.test`, [primaryAt("192.0.2.5", 25)]);
    await bench.start();
    for (let i = 0; i < 1000; i++) bench.store.accept({ domain: `d${i}.test` });
    await bench.pass(200);
    assert.equal(bench.store.count().gone, 1000);
    const granted = [...bench.store.grants.values()].filter((credits) => credits > 0);
    assert.ok(granted.length <= 16, String(granted.length));
  });
});

describe("the store", () => {
  test("while it is sick nothing is claimed and nothing new is sent", async () => {
    const bench = oneDomain();
    await bench.start();
    bench.store.condition("sick");
    bench.store.put({ domain: "a.test" });
    bench.store.tell({ kind: "work", domain: "a.test", recipients: 1 });
    await bench.pass(5000);
    assert.deepEqual(bench.store.count(), { waiting: 1 });
    bench.store.condition("ok");
    await bench.pass(100);
    assert.deepEqual(bench.store.count(), { gone: 1 });
  });

  test("gets its credits back when it is sick, and gives new ones when it is well", async () => {
    const bench = oneDomain();
    await bench.start({}, "all domains");
    await bench.pass(1000);
    const credits = (): number => bench.store.grants.get("a.test") ?? 0;
    assert.ok(credits() > 0);
    bench.store.condition("sick");
    assert.equal(credits(), 0);
    bench.store.condition("ok");
    await bench.pass(100);
    assert.ok(credits() > 0);
  });

  test("gets no credits when it turns sick while what waits is counted", async (t) => {
    const bench = oneDomain();
    const work = bench.store.work.bind(bench.store);
    const told = Promise.withResolvers<void>();
    t.mock.method(bench.store, "work", () => told.promise.then(work));
    await bench.start({}, "all domains");
    await bench.pass(1000);
    bench.store.condition("sick");
    told.resolve();
    await bench.pass(1000);
    assert.equal(bench.store.grants.get("a.test") ?? 0, 0);
    bench.store.condition("ok");
    await bench.pass(1000);
    assert.ok((bench.store.grants.get("a.test") ?? 0) > 0);
  });

  test("that fails to claim is asked again", async (t) => {
    const bench = oneDomain();
    t.mock.method(bench.store, "claim", failing, { times: 1 });
    bench.store.put({ domain: "a.test" });
    await bench.start();
    await bench.pass(5000);
    assert.deepEqual(bench.store.count(), { gone: 1 });
  });

  test("that fails to claim for long is asked once a second, however much mail comes meanwhile", async (t) => {
    const bench = oneDomain();
    await bench.start({}, "all domains");
    await bench.pass(1000);
    const asked = t.mock.method(bench.store, "claim", failing);
    for (let i = 0; i < 100; i++) {
      bench.store.grants.clear();
      bench.store.accept({ domain: "a.test" });
      await bench.pass(100);
    }
    assert.ok(asked.mock.callCount() <= 11, String(asked.mock.callCount()));
    asked.mock.restore();
    await bench.pass(5000);
    assert.deepEqual(bench.store.count(), { gone: 100 });
  });

  test("that takes long to tell what waits has it delivered as soon as it has", async (t) => {
    const bench = oneDomain();
    const work = bench.store.work.bind(bench.store);
    const told = Promise.withResolvers<void>();
    t.mock.method(bench.store, "work", () => told.promise.then(work));
    bench.store.put({ domain: "a.test" });
    const delivery = await bench.start({}, "all domains");
    delivery.directoryChanged(["a.test"]);
    await bench.pass(10_000);
    assert.deepEqual(
      delivery.status().map(({ state }) => state),
      ["up"],
    );
    told.resolve();
    await bench.pass(100);
    assert.deepEqual(bench.store.count(), { gone: 1 });
  });

  test("that cannot write is asked until it has the result, and nothing is sent twice", async () => {
    const bench = oneDomain();
    bench.store.put({ domain: "a.test" });
    bench.server.onMail = (mail) => {
      bench.store.failure = new Error("disk");
      return allOf(mail, DELIVERED);
    };
    await bench.start();
    await bench.pass(5000);
    assert.deepEqual(bench.store.count(), { claimed: 1 });
    bench.store.failure = undefined;
    await bench.pass(1100);
    assert.deepEqual(bench.store.count(), { gone: 1 });
    assert.equal(bench.server.mails.length, 1);
  });

  test("that cannot tell what waits is asked each second, however often it was sick meanwhile", async (t) => {
    const bench = oneDomain();
    const asked = t.mock.method(bench.store, "work", failing);
    await bench.start();
    for (let i = 0; i < 10; i++)
      for (const condition of ["sick", "ok"] as const) {
        bench.store.condition(condition);
        await bench.pass(250);
      }
    const before = asked.mock.callCount();
    await bench.pass(10_000);
    assert.equal(asked.mock.callCount() - before, 10);
  });

  test("that cannot be read when something is to be learned of a mail still gets its result", async (t) => {
    const bench = oneDomain();
    t.mock.method(bench.directory, "recipient", () => {
      throw new Error("database disk image is malformed");
    });
    for (let i = 0; i < 3; i++) bench.store.put({ domain: "a.test" });
    await bench.start();
    await bench.pass(1000);
    assert.deepEqual(bench.store.count(), { gone: 3 });
  });

  test("that fails at the start is asked again", async () => {
    const bench = oneDomain();
    bench.store.put({ domain: "a.test" });
    bench.store.failure = new Error("starting");
    await bench.start();
    await bench.pass(2500);
    bench.store.failure = undefined;
    await bench.pass(1100);
    assert.deepEqual(bench.store.count(), { gone: 1 });
  });
});

describe("stopping", () => {
  test("releases what has not begun and waits for what is in conversation", async () => {
    const bench = oneDomain();
    const waiting: (() => void)[] = [];
    let sent = 0;
    bench.server.onMail = (mail) =>
      ++sent <= 15
        ? allOf(mail, DELIVERED)
        : new Promise((resolve) => waiting.push(() => resolve(allOf(mail, DELIVERED))));
    for (let i = 0; i < 40; i++) bench.store.put({ domain: "a.test" });
    const delivery = await bench.start();
    await bench.pass(100);
    const busy = waiting.length;
    assert.ok(busy > 0);
    let stopped = false;
    void delivery.stop().then(() => (stopped = true));
    await idle();
    assert.equal(stopped, false);
    for (const finish of waiting.splice(0)) finish();
    await bench.pass(100);
    assert.equal(stopped, true);
    assert.deepEqual(bench.store.count(), { gone: 15 + busy, waiting: 25 - busy });
    assert.equal(bench.store.grants.get("a.test") ?? 0, 0);
  });

  test("waits for what is being written", async () => {
    const bench = oneDomain();
    const disk = Promise.withResolvers<void>();
    const settle = bench.store.settle.bind(bench.store);
    bench.store.settle = (request) => disk.promise.then(() => settle(request));
    bench.store.put({ domain: "a.test" });
    const delivery = await bench.start();
    await bench.pass(100);
    assert.equal(bench.server.mails.length, 1);
    let stopped = false;
    void delivery.stop().then(() => (stopped = true));
    await bench.pass(3000);
    assert.equal(stopped, false);
    disk.resolve();
    await idle();
    assert.deepEqual([bench.store.count(), stopped], [{ gone: 1 }, true]);
  });

  for (const [words, state] of [
    ["past its final dot a mail has 30 s for its answer", "gone"],
    ["without an answer in 30 s it is unconfirmed", "unconfirmed"],
  ] as const)
    test(words, async () => {
      const { bench, delivery, answer } = await unansweredDot();
      let stopped = false;
      void delivery.stop().then(() => (stopped = true));
      await bench.pass(29_000, 500);
      assert.deepEqual([bench.store.count(), stopped], [{ claimed: 1 }, false]);
      if (state === "gone") answer.resolve();
      await bench.pass(1500, 500);
      assert.deepEqual([bench.store.count(), stopped], [{ [state]: 1 }, true]);
    });

  test("waits for an answer of a primary that its domain has just left", async () => {
    const { bench, delivery, answer } = await unansweredDot();
    bench.directory.set("a.test", [primaryAt("192.0.2.6", 25)]);
    delivery.directoryChanged(["a.test"]);
    await bench.pass(1100);
    let stopped = false;
    void delivery.stop().then(() => (stopped = true));
    await bench.pass(3000);
    assert.deepEqual([bench.store.count(), stopped], [{ claimed: 1 }, false]);
    answer.resolve();
    await idle();
    assert.deepEqual([bench.store.count(), stopped], [{ gone: 1 }, true]);
  });

  test("gives back fresh mail that came by a grant which was on its way back", async () => {
    const { bench, delivery } = await unanswered();
    const stopping = delivery.stop();
    bench.store.grant("a.test", 1);
    bench.store.accept({ domain: "a.test" });
    await idle();
    assert.deepEqual(bench.store.count(), { claimed: 1, waiting: 1 });
    await bench.pass(2500);
    await stopping;
  });

  for (const [words, answered, states] of [
    ["gives back what was being claimed", true, { waiting: 1 }],
    ["does not wait for a store that answers no claim", false, { claimed: 1 }],
  ] as const)
    test(words, async () => {
      const bench = oneDomain();
      const { letGo } = holdClaims(bench);
      bench.store.put({ domain: "a.test" });
      const delivery = await bench.start();
      await bench.pass(100);
      let stopped = false;
      void delivery.stop().then(() => (stopped = true));
      await bench.pass(9900);
      assert.deepEqual([bench.store.count(), stopped], [{ claimed: 1 }, false]);
      if (answered) letGo();
      await bench.pass(200);
      assert.deepEqual([bench.store.count(), stopped], [states, true]);
    });

  test("does not wait for connections that are still being opened", async () => {
    const bench = oneDomain();
    bench.store.put({ domain: "a.test" });
    const delivery = await bench.start();
    await bench.pass(5000);
    bench.client.converse = () => new Promise(() => {});
    bench.store.accept({ domain: "a.test" });
    await bench.pass(100);
    assert.deepEqual(bench.store.count(), { gone: 1, claimed: 1 });
    await delivery.stop();
    assert.deepEqual(bench.store.count(), { gone: 1, waiting: 1 });
  });

  test("a client that throws leaves the mail unconfirmed, never claimed for ever", async () => {
    const bench = oneDomain();
    bench.server.onMail = () => Promise.reject(new Error("bug"));
    bench.store.put({ domain: "a.test" });
    await bench.start();
    await bench.pass(100);
    assert.deepEqual(bench.store.count(), { unconfirmed: 1 });
  });

  test("drops conversations that do not come to their dot", async () => {
    const { bench, delivery } = await unanswered();
    const stopping = delivery.stop();
    await bench.pass(2500);
    await stopping;
    assert.deepEqual(bench.store.count(), { waiting: 1 });
  });
});

test("mails of one client follow each other where the primary is told of each; what is not offered is told", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt("192.0.2.5", 25, { identity: "xclient" })]);
  const server = bench.client.server(AT);
  for (const ip of ["1", "2", "1", "2", "1", "2"]) bench.store.put({ domain: "a.test", ip: `192.0.2.${ip}` });
  await bench.start({ connections: 1 });
  await bench.pass(1000);
  // The canary is the oldest; then those of one client together.
  const order = server.mails.map(({ client }) => client.ip.at(-1)).join("");
  assert.equal(server.mails.length, 6);
  const changes = [...order].filter((ip, i) => i > 0 && ip !== order[i - 1]).length;
  assert.ok(changes < 5, order);
  assert.equal(bench.journal.of("primary.weakened").length, 1);
  assert.match(bench.journal.of("primary.weakened")[0]?.why ?? "", /does not offer us XCLIENT/);
});

test("a primary whose TLS vanishes is told of once, and served", async () => {
  const bench = oneDomain();
  bench.server.tls = "TLSv1.3";
  await bench.start();
  const one = async (): Promise<void> => {
    bench.store.accept({ domain: "a.test" });
    await bench.pass(3000);
  };
  await one();
  assert.equal(bench.journal.of("primary.weakened").length, 0);
  bench.server.tls = undefined;
  await one();
  await one();
  assert.equal(bench.journal.of("primary.weakened").length, 1);
  assert.match(bench.journal.of("primary.weakened")[0]?.why ?? "", /offered TLS before/);
  assert.deepEqual(bench.store.count(), { gone: 3 });
});

test("a primary whose TLS vanished over a restart of ours is told of, too", async () => {
  const before = oneDomain();
  before.server.tls = "TLSv1.3";
  await before.start();
  before.store.accept({ domain: "a.test" });
  await before.pass(3000);
  assert.deepEqual([...before.store.spokeTls], ["192.0.2.5:25"]);
  const after = oneDomain();
  after.store.spokeTls.add("192.0.2.5:25");
  await after.start({}, "all domains");
  await after.pass(3000);
  assert.match(after.journal.of("primary.weakened")[0]?.why ?? "", /offered TLS before/);
  assert.deepEqual([...after.store.spokeTls], []);
});
