/** How many mails go at once, how fast, and to which of equal primaries. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Primary } from "../../../../../src/ports/directory.ts";
import { DestinationTrouble, type SendResult } from "../../../../../src/ports/smtp-client.ts";
import type { ClaimedMail } from "../../../../../src/ports/work-store.ts";
import { type Bench, deliveryBench } from "../../../../support/delivery-bench.ts";
import { domainSettings } from "../../../../support/domain-settings.ts";
import { primaryAt } from "../../../../support/fake-directory.ts";
import { allOf, DELIVERED } from "../../../../support/fake-smtp-client.ts";
import { seededRandom } from "../../../../support/random.ts";
import { idle } from "../../../../support/settle.ts";

const AT = "192.0.2.1:25";
const PRIMARY = primaryAt("192.0.2.1", 25);

/** One primary that answers each mail after `latency` ms of the test's clock. */
function slowPrimary(mails: number, change: Partial<Primary> = {}, latency = 100) {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt("192.0.2.1", 25, change)]);
  const server = bench.client.server(AT);
  server.window = 8;
  server.onMail = (mail: ClaimedMail): Promise<SendResult> =>
    new Promise((resolve) => bench.clock.after(latency, () => resolve(allOf(mail, DELIVERED))));
  for (let i = 0; i < mails; i++) bench.store.put({ domain: "a.test" });
  return { ...bench, server };
}

/** Whoever it takes is greeted after so many ms. */
function greetsLate({ client, clock }: Pick<Bench, "client" | "clock">, after: number): void {
  const greet = client.converse.bind(client);
  client.converse = async (target) => {
    const conversation = await greet(target);
    await new Promise<void>((resolve) => clock.after(after, resolve));
    return conversation;
  };
}

describe("mails in flight", () => {
  test("the canary goes alone, then as many as the conversation takes", async () => {
    const bench = slowPrimary(100);
    await bench.start({ connections: 1 });
    await bench.pass(50, 10);
    assert.equal(bench.server.mails.length, 1);
    await bench.pass(400, 10);
    assert.equal(bench.server.mostInFlight, 8);
    await bench.pass(2000, 10);
    assert.deepEqual(bench.store.count(), { gone: 100 });
    assert.equal(bench.server.conversations, 1, "the probe's, for all mails");
  });

  test("of all connections together stay bounded, and two fit on each", async () => {
    const bench = slowPrimary(2000);
    await bench.start({ connections: 40 });
    await bench.pass(3000, 10);
    assert.equal(bench.server.mostOpen, 40);
    assert.equal(bench.server.mostInFlight, 80);
  });

  test("in probation it is one on each connection", async () => {
    const bench = slowPrimary(0);
    bench.server.down = true;
    await bench.start({ connections: 1 }, "all domains");
    await bench.pass(600_000, 5000);
    for (let i = 0; i < 60; i++) bench.store.accept({ domain: "a.test" });
    bench.server.down = false;
    await bench.pass(1500, 10);
    assert.equal(bench.journal.of("probation.began").length, 1);
    let most = 0;
    while (bench.journal.of("probation.passed").length === 0) {
      most = bench.server.mostInFlight;
      await bench.pass(10, 10);
    }
    assert.equal(most, 1);
    await bench.pass(3000, 10);
    assert.equal(bench.server.mostInFlight, 8);
    assert.deepEqual(bench.store.count(), { gone: 60 });
  });

  test("fresh mail goes to a connection that does nothing, or to a new one, not behind a slow mail", async () => {
    const bench = slowPrimary(3, {}, 60_000);
    // What is put behind a slow mail is seen no sooner than that is answered.
    bench.server.takesBeside = false;
    bench.server.onMail = (mail) => allOf(mail, DELIVERED);
    await bench.start({ connections: 4 });
    await bench.pass(500);
    bench.server.onMail = (mail) =>
      new Promise((resolve) => bench.clock.after(60_000, () => resolve(allOf(mail, DELIVERED))));
    const before = bench.server.mails.length;
    for (let i = 0; i < 3; i++) {
      bench.store.accept({ domain: "a.test" });
      await bench.pass(200);
    }
    assert.equal(bench.server.mails.length, before + 3);
    assert.equal(bench.server.open, 3);
  });

  test("one that goes beside no other waits for those before it, on the same connection", async () => {
    const bench = slowPrimary(10);
    bench.server.takesBeside = false;
    await bench.start({ connections: 1 });
    await bench.pass(1500, 10);
    assert.deepEqual(bench.store.count(), { gone: 10 });
    assert.deepEqual([bench.server.conversations, bench.server.mostInFlight], [1, 1]);
  });

  test("what is claimed and not begun goes back when its domain is paused", async () => {
    const bench = slowPrimary(30);
    const delivery = await bench.start({ connections: 1 });
    await bench.pass(150, 10);
    const { length: begun } = bench.server.mails;
    bench.directory.set("a.test", [PRIMARY], { paused: true });
    delivery.directoryChanged(["a.test"]);
    await bench.pass(1000, 10);
    assert.deepEqual(bench.store.count(), { gone: begun, waiting: 30 - begun });
  });

  test("what is claimed and not begun is not sent while the store is sick, and goes when it is well", async () => {
    const bench = slowPrimary(30);
    await bench.start({ connections: 1 });
    await bench.pass(150, 10);
    const { length: begun } = bench.server.mails;
    bench.store.condition("sick");
    await bench.pass(5000, 10);
    assert.equal(bench.server.mails.length, begun);
    assert.equal(bench.store.count().gone, begun, "what was sent is settled");
    assert.ok((bench.store.count().claimed ?? 0) > 0, "and some was claimed ahead");
    bench.store.condition("ok");
    await bench.pass(3000, 10);
    assert.deepEqual(bench.store.count(), { gone: 30 });
  });

  test("one that waits for the end of those before it is given back when delivery stops", async () => {
    const bench = slowPrimary(3);
    const delivery = await bench.start({ connections: 1 });
    await bench.pass(50, 10);
    bench.server.takesBeside = false;
    bench.server.onMail = () => new Promise(() => {});
    await bench.pass(100, 10);
    assert.deepEqual(bench.store.count(), { gone: 1, claimed: 2 });
    await Promise.all([delivery.stop(), bench.pass(60_000, 500)]);
    assert.equal(bench.server.mails.length, 2);
    assert.deepEqual(bench.store.count(), { gone: 1, waiting: 2 });
  });

  test("a mail at which the primary always hangs up leaves those beside it in doubt once, not until they are held", async () => {
    const bench = slowPrimary(20);
    bench.server.answersAt = "dot";
    const [, , poison] = bench.store.mails;
    const { onMail } = bench.server;
    bench.server.onMail = async (mail) => {
      if (mail.id === poison?.id) bench.clock.after(50, () => [...bench.server.conversing][0]?.abort());
      return onMail(mail);
    };
    await bench.start({ connections: 1 });
    await bench.pass(2 * 3_600_000, 1000);
    assert.deepEqual(bench.store.count(), { gone: 19, held: 1 });
    assert.equal(poison?.recipients[0]?.reason, "unconfirmed");
    const others = bench.store.mails
      .filter((mail) => mail !== poison)
      .flatMap(({ recipients }) => recipients);
    assert.equal(Math.max(...others.map(({ unconfirmed }) => unconfirmed)), 1);
  });

  test("a cut gives every one of them its own outcome, and all are settled", async () => {
    const bench = slowPrimary(50);
    const delivery = await bench.start({ connections: 1 });
    await bench.pass(300, 10);
    assert.equal(bench.server.inFlight, 8);
    await Promise.all([delivery.stop(), bench.pass(60_000, 500)]);
    assert.deepEqual(Object.keys(bench.store.count()).toSorted(), ["gone", "waiting"]);
  });
});

test("a connection that does nothing ends at once when delivery stops", async () => {
  const bench = slowPrimary(1);
  const delivery = await bench.start({ connections: 1 });
  await bench.pass(500);
  assert.equal(bench.server.open, 1);
  const stopping = delivery.stop();
  await idle();
  assert.equal(bench.server.open, 0);
  await stopping;
});

test("a connection ends 2 s after the last answer, and at once where the primary has closed it by then", async () => {
  const bench = slowPrimary(2);
  const delivery = await bench.start({ connections: 1 });
  await bench.pass(300, 10);
  assert.deepEqual(bench.store.count(), { gone: 2 });
  await bench.pass(1800, 10);
  assert.equal(bench.server.open, 1);
  await bench.pass(200, 10);
  assert.equal(bench.server.open, 0);
  bench.server.onMail = async (mail) => {
    await idle();
    for (const conversation of bench.server.conversing) conversation.abort();
    return allOf(mail, DELIVERED);
  };
  bench.store.accept({ domain: "a.test" });
  await bench.pass(100, 10);
  assert.deepEqual(bench.store.count(), { gone: 3 });
  assert.equal(delivery.status()[0]?.connections, 0);
});

test("a mail for which an idle connection has ended goes by another, however often", async () => {
  const bench = slowPrimary(1, {}, 1);
  await bench.start({ connections: 1 });
  await bench.pass(100, 10);
  for (let mails = 2; mails <= 21; mails++) {
    bench.server.closeIdle();
    // By turns by a credit and by a claim.
    bench.store.grants.set("a.test", mails % 2);
    bench.store.accept({ domain: "a.test" });
    await bench.pass(100, 10);
    assert.deepEqual(bench.store.count(), { gone: mails });
  }
});

describe("limits of one primary", () => {
  test("connections and mails a connection stand above those for all", async () => {
    const bench = slowPrimary(120, { connections: 2, mailsPerConnection: 10 });
    await bench.start({ connections: 20 });
    await bench.pass(5000, 10);
    assert.deepEqual(bench.store.count(), { gone: 120 });
    assert.equal(bench.server.mostOpen, 2);
    assert.equal(bench.server.conversations, 12, "the probe's among them, one for each ten mails");
  });

  test("mails a second are kept, and few are claimed ahead", async () => {
    const bench = slowPrimary(300, { mailsPerSecond: 10 }, 1);
    await bench.start({ connections: 20 });
    await bench.pass(1000, 10);
    const before = bench.server.mails.length;
    for (let second = 1; second <= 5; second++) {
      await bench.pass(1000, 10);
      const sent = bench.server.mails.length - before;
      assert.ok(Math.abs(sent - 10 * second) <= 2, `${sent} in ${second} s`);
      assert.ok((bench.store.count().claimed ?? 0) <= 21, JSON.stringify(bench.store.count()));
    }
  });
});

test("a primary that ends a session by 421 gets half the connections for a minute", async () => {
  const bench = slowPrimary(60);
  const delivery = await bench.start();
  await bench.pass(1500, 10);
  const allowed = (): number | undefined => delivery.status()[0]?.allowed;
  assert.equal(allowed(), 8);
  const busy = { code: 421, text: "too busy" };
  const { onMail } = bench.server;
  bench.server.onMail = (mail) => {
    bench.server.onMail = onMail;
    return allOf(mail, { kind: "deferred", reply: busy }, new DestinationTrouble("session", "421", busy));
  };
  bench.store.accept({ domain: "a.test" });
  await bench.pass(100, 10);
  assert.equal(allowed(), 4);
  for (let second = 0; second < 62; second++) {
    bench.store.accept({ domain: "a.test" });
    await bench.pass(1000, 100);
    assert.equal(allowed(), second < 59 ? 4 : 8, `after ${second} s`);
  }
});

describe("a primary that bears three connections", () => {
  const refusals = [
    new DestinationTrouble("greeting", "it answered 421", { code: 421, text: "too many" }),
    new DestinationTrouble("greeting", "the peer closed the connection"),
    new DestinationTrouble("connect", "connection reset by the peer"),
  ];
  for (const tooMany of refusals)
    test(`keeps them, and is not taken for away: ${tooMany.message}`, async () => {
      const bench = slowPrimary(500);
      Object.assign(bench.server, { most: 3, tooMany });
      await bench.start({ mailsPerConnection: 1000 });
      await bench.pass(1000, 10);
      const before = bench.server.conversations;
      await bench.pass(1000, 10);
      assert.equal(bench.server.open, 3);
      assert.equal(bench.server.conversations, before, "it is left alone for a while");
      await bench.pass(20_000, 100);
      assert.deepEqual(bench.store.count(), { gone: 500 });
      // From doing nothing to everything at once, which it turns away before it greets the three.
      greetsLate(bench, 50);
      await bench.pass(120_000, 1000);
      for (let i = 0; i < 100; i++) bench.store.accept({ domain: "a.test" });
      await bench.pass(10_000, 10);
      assert.deepEqual(bench.store.count(), { gone: 600 });
      assert.deepEqual(bench.journal.of("primary.down"), []);
    });

  test("may turn a callout away beside them", async () => {
    const bench = slowPrimary(500);
    Object.assign(bench.server, { most: 3, tooMany: refusals[2] });
    bench.directory.set("a.test", [PRIMARY], { settings: domainSettings(PRIMARY) });
    const delivery = await bench.start();
    await bench.pass(1000, 10);
    const answer = await delivery.ask({ domain: "a.test", address: "alice@a.test" });
    assert.deepEqual(answer, { kind: "mute", why: "connection reset by the peer" });
    assert.equal(delivery.status()[0]?.state, "up");
  });

  test("gets all again after an outage that showed in all connections at once", async () => {
    const bench = slowPrimary(100);
    await bench.start();
    await bench.pass(20_000, 100);
    bench.server.down = true;
    for (let i = 0; i < 300; i++) bench.store.accept({ domain: "a.test" });
    await bench.pass(5000, 100);
    assert.equal(bench.journal.of("primary.down").length, 1);
    Object.assign(bench.server, { down: false, mostOpen: 0 });
    await bench.pass(4000, 10);
    assert.equal(bench.server.mostOpen, 8);
    assert.equal(bench.store.count().gone, 400);
  });
});

test("a banner of four minutes: told as slow, not only as down, and mail is handed over at last", async () => {
  const bench = slowPrimary(3, {}, 1);
  const { server, clock } = bench;
  server.onGreet = (patience) =>
    new Promise((resolve, reject) => {
      const silent = new DestinationTrouble("greeting", "no greeting");
      if (patience < 240_000) clock.after(patience, () => reject(silent));
      else clock.after(240_000, resolve);
    });
  const delivery = await bench.start({ connections: 1 });
  await bench.pass(62_000, 500);
  assert.equal(delivery.status()[0]?.state, "down");
  assert.match(delivery.status()[0]?.slow?.why ?? "", /accepts connections but did not greet within 60 s/);
  await bench.pass(600_000, 1000);
  assert.deepEqual(bench.store.count(), { gone: 3 });
  assert.equal(bench.journal.of("primary.slow").length, 1);
  assert.equal(delivery.status()[0]?.slow?.why, "its greeting took 240 s");
});

test("domains of one primary have their mail in turn, however much waits for the first", async () => {
  const bench = slowPrimary(0, {}, 10);
  const domains = Array.from({ length: 20 }, (_, i) => `d${i}.test`);
  for (const domain of domains) bench.directory.set(domain, [PRIMARY]);
  for (const domain of domains) for (let i = 0; i < 50; i++) bench.store.put({ domain });
  await bench.start({ connections: 1 });
  while (bench.server.mails.length < 100) await bench.pass(10, 10);
  const sent = Map.groupBy(bench.server.mails, ({ domain }) => domain);
  assert.deepEqual([...sent.keys()].sort(), domains.toSorted());
  assert.ok([...sent.values()].every(({ length }) => length <= 10));
});

test("no claim asks for less than one mail where the room does not divide among the domains", async () => {
  const bench = slowPrimary(0, {}, 10);
  const domains = ["a.test", "b.test", "c.test", "d.test"];
  // Room for five mails at a time.
  const primary = primaryAt("192.0.2.1", 25, { connections: 1, mailsPerSecond: 2.5 });
  for (const domain of domains) bench.directory.set(domain, [primary]);
  for (const domain of domains) for (let i = 0; i < 5; i++) bench.store.put({ domain });
  await bench.start();
  await bench.pass(10_000);
  assert.deepEqual(bench.store.count(), { gone: 20 });
  assert.equal(Math.min(...bench.store.claims.map(({ limit }) => limit)), 1);
});

test("primaries of equal preference share by weight, while both have room", async () => {
  const bench = deliveryBench();
  const random = seededRandom(3);
  bench.random = () => random.below(1000) / 1000;
  bench.directory.set("a.test", [
    primaryAt("192.0.2.1", 25, { weight: 3 }),
    primaryAt("192.0.2.2", 25),
    primaryAt("192.0.2.3", 25, { preference: 20, weight: 100 }),
  ]);
  const [heavy, light, other] = [1, 2, 3].map((n) => bench.client.server(`192.0.2.${n}:25`));
  await bench.start({}, "all domains");
  await bench.pass(2000);
  for (let i = 0; i < 400; i++) {
    bench.store.accept({ domain: "a.test" });
    await bench.pass(10);
  }
  await bench.pass(2000);
  assert.deepEqual(bench.store.count(), { gone: 400 });
  const share = (heavy?.mails.length ?? 0) / 400;
  assert.ok(share > 0.68 && share < 0.82, String(share));
  assert.equal((heavy?.mails.length ?? 0) + (light?.mails.length ?? 0), 400);
  assert.equal(other?.mails.length, 0);
});

test("fresh mail passes a primary that answers no more, though most of it would be its share", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [
    primaryAt("192.0.2.1", 25, { weight: 100 }),
    primaryAt("192.0.2.2", 25, { weight: 1 }),
  ]);
  const [stuck, other] = [1, 2].map((n) => bench.client.server(`192.0.2.${n}:25`));
  await bench.start({ connections: 2 }, "all domains");
  await bench.pass(2000);
  Object.assign(stuck ?? {}, { onMail: () => new Promise(() => {}) });
  for (let i = 0; i < 40; i++) {
    bench.store.grants.set("a.test", 1);
    bench.store.accept({ domain: "a.test" });
    await bench.pass(10);
  }
  assert.ok((bench.store.count().claimed ?? 0) <= 8, JSON.stringify(bench.store.count()));
  assert.equal(other?.mails.length, bench.store.count().gone);
});
