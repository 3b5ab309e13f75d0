import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DestinationTrouble } from "../../../../src/ports/smtp-client.ts";
import { deliveryBench } from "../../../support/delivery-bench.ts";
import { domainSettings } from "../../../support/domain-settings.ts";
import { primaryAt } from "../../../support/fake-directory.ts";
import { allOf, DELIVERED } from "../../../support/fake-smtp-client.ts";

const FIRST = "2001:db8::1";
const SECOND = "192.0.2.1";
const REFUSAL = new DestinationTrouble("greeting", "554 no PTR", { code: 554, text: "no PTR" });
const RESET = new DestinationTrouble("greeting", "connection reset");

/** A mail waits for a primary with two addresses. */
function twoAddresses() {
  const bench = deliveryBench();
  bench.resolver.hosts.set("mail.test", { kind: "found", records: [FIRST, SECOND] });
  bench.directory.set("a.test", [primaryAt("mail.test", 25)]);
  bench.store.put({ domain: "a.test" });
  const [first, second] = [FIRST, SECOND].map((ip) => bench.client.server(`${ip}:25`));
  assert.ok(first && second);
  return { ...bench, first, second };
}

describe("a primary with two addresses", () => {
  for (const trouble of [REFUSAL, RESET])
    test(`of which one says ${trouble.message}: the other is greeted before that counts`, async () => {
      const bench = twoAddresses();
      bench.first.greeting = trouble;
      await bench.start();
      await bench.pass(500);
      assert.equal(bench.second.mails.length, 1);
      for (let minute = 0; minute < 10; minute++) {
        await bench.pass(60_000, 1000);
        bench.store.accept({ domain: "a.test" });
      }
      await bench.pass(500);
      assert.equal(bench.second.mails.length, 11);
      assert.deepEqual(bench.journal.of("primary.down"), []);
      assert.equal(bench.first.conversations, 1, "probes and mail go where it greets");
    });

  test("of which one refuses us: the return of the other is noticed at once, and the first is greeted once a minute", async () => {
    const bench = twoAddresses();
    bench.first.greeting = REFUSAL;
    const delivery = await bench.start();
    await bench.pass(500);
    bench.second.down = true;
    const cut = new DestinationTrouble("session", "connection lost");
    bench.second.onMail = (mail) => allOf(mail, { kind: "released" }, cut);
    bench.store.accept({ domain: "a.test" });
    await bench.pass(300_000, 500);
    assert.equal(delivery.status()[0]?.state, "down");
    assert.ok(bench.first.conversations <= 7, `${bench.first.conversations} greetings in 5 min`);
    bench.second.down = false;
    bench.second.onMail = (mail) => allOf(mail, DELIVERED);
    await bench.pass(1200);
    assert.deepEqual(bench.store.count(), { gone: 2 });
  });

  test("is banned if both refuse us, or if one refuses us and the other is dead", async () => {
    for (const dead of [false, true]) {
      const bench = twoAddresses();
      bench.first.down = dead;
      bench.first.greeting = REFUSAL;
      bench.second.greeting = REFUSAL;
      const delivery = await bench.start();
      await bench.pass(1000);
      assert.equal(delivery.status()[0]?.state, "banned");
      assert.equal(bench.second.conversations, 1);
    }
  });

  test("of which one does not greet: the other is greeted after 5 s", async () => {
    const bench = twoAddresses();
    bench.first.onGreet = () => new Promise(() => {});
    await bench.start();
    await bench.pass(6500);
    assert.equal(bench.second.mails.length, 1);
  });

  test("of which one is dead and the other greets late: the late greeting is awaited", async () => {
    const bench = twoAddresses();
    bench.first.down = true;
    bench.second.onGreet = () => new Promise((resolve) => void bench.clock.after(8000, resolve));
    await bench.start();
    await bench.pass(10_000, 250);
    assert.ok(bench.second.conversations <= 3, `${bench.second.conversations} greetings in 10 s`);
    await bench.pass(20_000, 250);
    assert.equal(bench.second.mails.length, 1);
  });

  test("of which the good one dies between mails: the other is greeted, not only connected to", async () => {
    const bench = twoAddresses();
    await bench.start();
    await bench.pass(500);
    bench.first.down = true;
    await bench.pass(90_000, 1000);
    assert.equal(bench.second.conversations, 1);
    bench.store.accept({ domain: "a.test" });
    await bench.pass(500);
    assert.equal(bench.second.mails.length, 1);
    assert.deepEqual(bench.journal.of("primary.down"), []);
  });
});

test("a primary whose name takes long to resolve is not reported as slow", async () => {
  const bench = twoAddresses();
  const delivery = await bench.start();
  await bench.pass(5000);
  const addresses = bench.resolver.addresses.bind(bench.resolver);
  bench.resolver.addresses = async (host) => {
    await new Promise<void>((resolve) => void bench.clock.after(15_000, resolve));
    return addresses(host);
  };
  bench.store.accept({ domain: "a.test" });
  await bench.pass(20_000, 500);
  assert.deepEqual(bench.store.count(), { gone: 2 });
  assert.equal(delivery.status()[0]?.slow, undefined);
});

test("an outage goes on while a primary that was down refuses us, and ends when it greets", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt(SECOND, 25)]);
  bench.store.put({ domain: "a.test" });
  const server = bench.client.server(`${SECOND}:25`);
  server.down = true;
  const began = bench.clock.now();
  const delivery = await bench.start();
  await bench.pass(600_000, 1000);
  server.down = false;
  server.greeting = REFUSAL;
  await bench.pass(3000, 500);
  const [away] = delivery.status();
  assert.equal(away?.state, "banned");
  assert.ok((away.since ?? 0) > began + 600_000 && (away.awaySince ?? Infinity) < began + 10_000);
  server.greeting = undefined;
  await bench.pass(120_000, 1000);
  const [back] = delivery.status();
  assert.deepEqual([back?.state, back?.awaySince], ["up", undefined]);
});

test("a primary is probed each second for mail that is not due yet, also after a new count", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt(SECOND, 25)]);
  bench.store.put({ domain: "a.test", dueAt: bench.clock.now() + 3_600_000 });
  const server = bench.client.server(`${SECOND}:25`);
  server.down = true;
  const delivery = await bench.start({}, "all domains");
  await bench.pass(60_000, 500);
  for (const job of delivery.jobs.filter(({ name }) => name === "delivery.survey")) await job.run();
  await bench.pass(20_000, 500);
  const before = server.knocks;
  await bench.pass(10_000, 500);
  assert.ok(server.knocks - before >= 9, `${server.knocks - before} probes in 10 s`);
});

test("a primary that keeps accepting mail is not probed", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt(SECOND, 25)]);
  const server = bench.client.server(`${SECOND}:25`);
  await bench.start({}, "all domains");
  await bench.pass(1000);
  const before = server.knocks;
  for (let mail = 0; mail < 20; mail++) {
    bench.store.accept({ domain: "a.test" });
    await bench.pass(30_000, 1000);
  }
  assert.deepEqual([server.mails.length, server.knocks - before], [20, 0]);
});

test("the offers of a primary are shown, and no connection stays open while no mail waits", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt(SECOND, 25)]);
  const server = bench.client.server(`${SECOND}:25`);
  const delivery = await bench.start({}, "all domains");
  await bench.pass(500);
  const [status] = delivery.status();
  assert.deepEqual([status?.state, server.conversations, server.open], ["up", 1, 0]);
  assert.ok(status?.capabilities !== undefined && status.learnedAt !== undefined);
});

test("hundreds of primaries that are away are still probed if a recheck of all is requested often", async () => {
  const bench = deliveryBench();
  const places = Array.from({ length: 300 }, (_, n) => `192.0.2.${n % 100}:${25 + Math.floor(n / 100)}`);
  for (const place of places) {
    const [host = "", port] = place.split(":");
    bench.directory.set(`${host}.${port}.test`, [primaryAt(host, Number(port))]);
    bench.client.server(place).down = true;
    bench.store.put({ domain: `${host}.${port}.test` });
  }
  const knocks = (): number => places.reduce((sum, place) => sum + bench.client.server(place).knocks, 0);
  const delivery = await bench.start();
  for (let second = 0; second < 20; second++) {
    await delivery.flush();
    await bench.pass(1000, 250);
  }
  const before = knocks();
  for (let second = 0; second < 10; second++) {
    await delivery.flush();
    await bench.pass(1000, 250);
  }
  assert.ok(knocks() - before > 1500, `200 a second are allowed, not ${(knocks() - before) / 10}`);
});

test("a primary that is this server gets no mail and no callout, and no connection to it stays open", async () => {
  for (const how of ["mail", "question"]) {
    const bench = deliveryBench();
    const primary = primaryAt(SECOND, 25);
    bench.directory.set("a.test", [primary], { settings: domainSettings(primary) });
    const server = bench.client.server(`${SECOND}:25`);
    const delivery = await bench.start({}, "all domains");
    await bench.pass(5000);
    assert.equal(delivery.status()[0]?.state, "up");
    server.name = "mx2.test";
    if (how === "mail") bench.store.accept({ domain: "a.test" });
    else assert.equal((await delivery.ask({ domain: "a.test", address: "new@a.test" })).kind, "mute");
    await bench.pass(100);
    assert.equal(delivery.status()[0]?.state, "loop", how);
    assert.deepEqual([server.mails.length, server.asked.length, server.open], [0, 0, 0], how);
  }
});

test("a primary that takes long for a mail is reported as slow", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt(SECOND, 25)]);
  bench.client.server(`${SECOND}:25`).onMail = (mail) => ({ ...allOf(mail, DELIVERED), took: 35_000 });
  const delivery = await bench.start({}, "all domains");
  bench.store.accept({ domain: "a.test" });
  await bench.pass(1000);
  assert.match(bench.journal.of("primary.slow")[0]?.why ?? "", /^a mail of \d+ octets took 35 s$/);
  assert.match(delivery.status()[0]?.slow?.why ?? "", /35 s/);
});

test("a primary without domains is no longer probed, and an awaited greeting does not change that", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt(SECOND, 25)]);
  const server = bench.client.server(`${SECOND}:25`);
  const greets = Promise.withResolvers<void>();
  server.onGreet = () => greets.promise;
  const delivery = await bench.start({}, "all domains");
  bench.store.accept({ domain: "a.test" });
  await bench.pass(2000);
  assert.equal(server.open, 1);
  bench.directory.remove("a.test");
  delivery.directoryChanged(["a.test"]);
  await bench.pass(100);
  const { knocks } = server;
  greets.resolve();
  await bench.pass(100);
  assert.equal(server.open, 0);
  await bench.pass(120_000, 1000);
  assert.deepEqual([server.knocks, server.mails.length], [knocks, 0]);
});

test("a greeting that is awaited when the last domain of a primary leaves is given up", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt(SECOND, 25)]);
  const server = bench.client.server(`${SECOND}:25`);
  server.onGreet = () => new Promise(() => {});
  const delivery = await bench.start({}, "all domains");
  await bench.pass(2000);
  assert.equal(server.open, 1);
  bench.directory.remove("a.test");
  delivery.directoryChanged(["a.test"]);
  await bench.pass(100);
  assert.equal(server.open, 0);
});

test("a primary that was once silent gets the patience of a first probe again after it has greeted", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt(SECOND, 25)]);
  const server = bench.client.server(`${SECOND}:25`);
  const patiences: number[] = [];
  const silent = async (patience: number): Promise<never> => {
    patiences.push(patience);
    await new Promise<void>((resolve) => void bench.clock.after(patience, resolve));
    throw new DestinationTrouble("greeting", "it sends no greeting");
  };
  const greets = server.onGreet;
  server.onGreet = silent;
  await bench.start({}, "all domains");
  await bench.pass(62_000, 500);
  server.onGreet = greets;
  await bench.pass(30_000, 500);
  server.down = true;
  await bench.pass(120_000, 500);
  server.down = false;
  patiences.length = 0;
  server.onGreet = silent;
  await bench.pass(30_000, 500);
  assert.equal(patiences[0], 60_000);
});

test("a primary that broke at a mail that another one took is reported as back when it greets", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt(FIRST, 25), primaryAt(SECOND, 25, { preference: 1 })]);
  bench.store.put({ domain: "a.test" });
  const [first, second] = [FIRST, SECOND].map((ip) => bench.client.server(`${ip}:25`));
  assert.ok(first && second);
  first.down = true;
  const cut = new DestinationTrouble("session", "connection lost");
  second.onMail = (mail) => allOf(mail, { kind: "deferred", reply: { code: 451, text: "later" } }, cut);
  await bench.start();
  await bench.pass(70_000, 500);
  const told = () =>
    bench.journal.events.flatMap((event) =>
      (event.kind === "primary.down" || event.kind === "primary.up") && event.destination.startsWith(SECOND)
        ? [event.kind]
        : [],
    );
  assert.deepEqual(told(), ["primary.down"]);
  first.down = false;
  await bench.pass(180_000, 500);
  assert.deepEqual(bench.store.count(), { gone: 1 });
  assert.deepEqual(told(), ["primary.down", "primary.up"]);
  const { conversations } = second;
  await bench.pass(600_000, 1000);
  assert.equal(second.conversations, conversations, "one that is proven is only knocked at");
  assert.equal(second.open, 0);
});
