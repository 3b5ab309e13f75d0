import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { reroutedKey } from "../../../../../src/mail/delivery-key.ts";
import type { Outcome } from "../../../../../src/mail/outcome.ts";
import { DestinationTrouble } from "../../../../../src/ports/smtp-client.ts";
import type { Delivery } from "../../../../../src/services/delivery/delivery.ts";
import { deliveryBench } from "../../../../support/delivery-bench.ts";
import { primaryAt } from "../../../../support/fake-directory.ts";
import { allOf, DELIVERED } from "../../../../support/fake-smtp-client.ts";

const MX = { mx: true, host: "", port: 25 } as const;

describe("several primaries", () => {
  test("the preferred one gets all while it is up; the next one when it is down; back on its return", async () => {
    const bench = deliveryBench();
    bench.directory.set("a.test", [
      primaryAt("192.0.2.2", 25, { preference: 20 }),
      primaryAt("192.0.2.1", 25, { preference: 10 }),
    ]);
    const first = bench.client.server("192.0.2.1:25");
    const second = bench.client.server("192.0.2.2:25");
    for (let i = 0; i < 10; i++) bench.store.put({ domain: "a.test" });
    await bench.start();
    await bench.pass(100);
    assert.deepEqual([first.mails.length, second.mails.length], [10, 0]);
    first.down = true;
    await bench.pass(70_000, 500);
    bench.store.accept({ domain: "a.test" });
    await bench.pass(500);
    assert.deepEqual([first.mails.length, second.mails.length], [10, 1]);
    first.down = false;
    await bench.pass(20_000, 500);
    bench.store.accept({ domain: "a.test" });
    await bench.pass(500);
    assert.deepEqual([first.mails.length, second.mails.length], [11, 1]);
  });

  test("the next one begins when the preferred one is found to be away, though it was up long before", async () => {
    const bench = deliveryBench();
    bench.directory.set("a.test", [
      primaryAt("192.0.2.1", 25, { preference: 10 }),
      primaryAt("192.0.2.2", 25, { preference: 20 }),
    ]);
    const silent = new DestinationTrouble("greeting", "no greeting");
    bench.client.server("192.0.2.1:25").onGreet = () =>
      new Promise((_, reject) => bench.clock.after(20_000, () => reject(silent)));
    bench.client.server("192.0.2.2:25");
    bench.store.put({ domain: "a.test" });
    const delivery = await bench.start();
    await bench.pass(10_000, 100);
    assert.equal(delivery.status().find(({ state }) => state === "up")?.destination, "192.0.2.2:25");
    assert.deepEqual(bench.store.count(), { waiting: 1 });
    await bench.pass(15_000, 100);
    assert.deepEqual(bench.store.count(), { gone: 1 });
  });

  test("those of equal preference share the mail", async () => {
    const bench = deliveryBench();
    bench.directory.set("a.test", [primaryAt("192.0.2.1", 25), primaryAt("192.0.2.2", 25)]);
    const servers = ["192.0.2.1:25", "192.0.2.2:25"].map((at) => bench.client.server(at));
    for (let i = 0; i < 200; i++) bench.store.put({ domain: "a.test" });
    await bench.start();
    await bench.pass(1000);
    assert.deepEqual(bench.store.count(), { gone: 200 });
    for (const { mails } of servers) assert.ok(mails.length > 20, String(mails.length));
  });
});

describe("domains", () => {
  test("that share a primary share its pool of connections", async () => {
    const bench = deliveryBench();
    for (const name of ["a.test", "b.test"]) bench.directory.set(name, [primaryAt("192.0.2.1", 25)]);
    const server = bench.client.server("192.0.2.1:25");
    for (let i = 0; i < 40; i++) bench.store.put({ domain: "a.test" });
    bench.store.put({ domain: "b.test" });
    const delivery = await bench.start({ connections: 2 });
    await bench.pass(100);
    assert.deepEqual(bench.store.count(), { gone: 41 });
    assert.equal(server.mostOpen, 2);
    assert.deepEqual(
      delivery.status().map(({ destination, domains, state }) => ({ destination, domains, state })),
      [{ destination: "192.0.2.1:25", domains: ["a.test", "b.test"], state: "up" }],
    );
    const place = server.mails.findIndex(({ domain }) => domain === "b.test");
    assert.ok(place < 12, `the smaller domain had its turn at ${place}`);
  });

  test("that leave a primary take along what was claimed for it and has not begun, while others stay there", async () => {
    const bench = deliveryBench();
    for (const name of ["a.test", "b.test"]) bench.directory.set(name, [primaryAt("192.0.2.1", 25)]);
    const old = bench.client.server("192.0.2.1:25");
    const other = bench.client.server("192.0.2.2:25");
    for (let i = 0; i < 8; i++) bench.store.put({ domain: "b.test" });
    const delivery = await bench.start({ connections: 1 });
    await bench.pass(100);
    const answer = Promise.withResolvers<void>();
    old.onMail = (mail) => answer.promise.then(() => allOf(mail, DELIVERED));
    for (let i = 0; i < 3; i++) bench.store.accept({ domain: "a.test" });
    await bench.pass(100);
    assert.deepEqual(bench.store.count(), { gone: 8, claimed: 2, waiting: 1 }, "one behind another");
    bench.directory.set("a.test", [primaryAt("192.0.2.2", 25)]);
    delivery.directoryChanged(["a.test"]);
    await bench.pass(100);
    answer.resolve();
    await bench.pass(100);
    assert.deepEqual([old.mails.length, other.mails.length], [9, 2]);
    assert.deepEqual(bench.store.count(), { gone: 11 });
    await delivery.stop();
  });

  test("removed while they hold nothing alarm nobody", async () => {
    const bench = deliveryBench();
    bench.client.server("192.0.2.1:25");
    bench.directory.set("a.test", [primaryAt("192.0.2.1", 25)]);
    bench.store.put({ domain: "a.test" });
    const delivery = await bench.start();
    await bench.pass(5000);
    assert.equal(bench.store.count().gone, 1);
    bench.directory.remove("a.test");
    delivery.directoryChanged(["a.test"]);
    await bench.pass(5000);
    assert.deepEqual(bench.journal.of("primary.down"), []);
    await delivery.stop();
  });

  test("unknown to the directory keep their mail waiting, until they are known", async () => {
    const bench = deliveryBench();
    bench.client.server("192.0.2.1:25");
    bench.store.put({ domain: "new.test" });
    const delivery = await bench.start();
    await bench.pass(60_000, 1000);
    assert.deepEqual(bench.store.count(), { waiting: 1 });
    bench.directory.set("new.test", [primaryAt("192.0.2.1", 25)]);
    delivery.directoryChanged(["new.test"]);
    await bench.pass(1000);
    assert.deepEqual(bench.store.count(), { gone: 1 });
  });

  test("that had nowhere to go, were removed, and come back as they were are told of again", async () => {
    const bench = deliveryBench();
    bench.resolver.exchangers.set("a.test", { kind: "found", records: [{ host: "", preference: 0 }] });
    const delivery = await bench.start({}, "all domains");
    for (const told of [1, 2]) {
      bench.directory.set("a.test", [primaryAt("", 25, MX)]);
      delivery.directoryChanged(["a.test"]);
      await bench.pass(1000);
      assert.equal(bench.journal.of("primary.down").length, told);
      bench.directory.remove("a.test");
      delivery.directoryChanged(["a.test"]);
      await bench.pass(1000);
    }
    assert.equal(bench.journal.of("primary.up").length, 0);
  });

  test("that drain are still delivered", async () => {
    const bench = deliveryBench();
    bench.client.server("192.0.2.1:25");
    bench.directory.set("a.test", [primaryAt("192.0.2.1", 25)], { draining: true });
    bench.store.put({ domain: "a.test" });
    await bench.start();
    await bench.pass(100);
    assert.deepEqual(bench.store.count(), { gone: 1 });
  });

  test("that are paused are not claimed, within a second of the change", async () => {
    const bench = deliveryBench();
    bench.client.server("192.0.2.1:25");
    const primaries = [primaryAt("192.0.2.1", 25)];
    bench.directory.set("a.test", primaries);
    const delivery = await bench.start();
    bench.store.accept({ domain: "a.test" });
    await bench.pass(100);
    bench.directory.set("a.test", primaries, { paused: true });
    delivery.directoryChanged(["a.test"]);
    await bench.pass(1000);
    assert.equal(bench.store.grants.get("a.test"), 0);
    bench.store.accept({ domain: "a.test" });
    await bench.pass(10_000, 1000);
    assert.deepEqual(bench.store.count(), { gone: 1, waiting: 1 });
    bench.directory.set("a.test", primaries);
    delivery.directoryChanged(["a.test"]);
    await bench.pass(1000);
    assert.deepEqual(bench.store.count(), { gone: 2 });
  });

  test("are looked up anew when they changed, and no others", async () => {
    const bench = deliveryBench();
    bench.client.server("192.0.2.1:25").down = true;
    for (const domain of ["a.test", "b.test"]) {
      bench.directory.set(domain, [primaryAt("192.0.2.1", 25)]);
      bench.store.put({ domain });
    }
    const delivery = await bench.start();
    await bench.pass(3000);
    bench.directory.lookedUp.length = 0;
    delivery.directoryChanged(["a.test"]);
    await bench.pass(1000);
    assert.deepEqual([...new Set(bench.directory.lookedUp)], ["a.test"]);
  });

  test("are tried at once at another primary, whatever the old one put off", async () => {
    const bench = deliveryBench();
    const first = bench.client.server("192.0.2.1:25");
    const later: Outcome = { kind: "deferred", reply: { code: 450, text: "not now" } };
    first.onMail = (mail) => allOf(mail, later);
    const second = bench.client.server("192.0.2.2:25");
    bench.directory.set("a.test", [primaryAt("192.0.2.1", 25)]);
    bench.store.put({ domain: "a.test" });
    const delivery = await bench.start();
    await bench.pass(3000);
    assert.deepEqual(bench.store.count(), { waiting: 1 });
    bench.directory.set("a.test", [primaryAt("192.0.2.2", 25)]);
    delivery.directoryChanged(["a.test"]);
    await bench.pass(3000);
    assert.equal(second.mails.length, 1);
  });

  test("follow a changed primary, and the old pool ends", async () => {
    const bench = deliveryBench();
    bench.client.server("192.0.2.1:25").down = true;
    const second = bench.client.server("192.0.2.2:25");
    bench.directory.set("a.test", [primaryAt("192.0.2.1", 25)]);
    bench.store.put({ domain: "a.test" });
    const delivery = await bench.start();
    await bench.pass(3000);
    bench.directory.set("a.test", [primaryAt("192.0.2.2", 25)]);
    delivery.directoryChanged(["a.test"]);
    await bench.pass(1000);
    assert.equal(second.mails.length, 1);
    assert.deepEqual(
      delivery.status().map(({ destination }) => destination),
      ["192.0.2.2:25"],
    );
    const { knocks } = bench.client.server("192.0.2.1:25");
    await bench.pass(5000);
    assert.equal(bench.client.server("192.0.2.1:25").knocks, knocks);
  });

  test("that change while the old primary's name is looked up go to the new one, whichever is found last", async () => {
    const bench = deliveryBench();
    const old = bench.client.server("192.0.2.1:25");
    const found = Promise.withResolvers<void>();
    const mx = bench.resolver.mx.bind(bench.resolver);
    bench.resolver.mx = async (domain) => {
      await found.promise;
      return mx(domain);
    };
    bench.resolver.exchangers.set("a.test", {
      kind: "found",
      records: [{ host: "192.0.2.1", preference: 10 }],
    });
    bench.directory.set("a.test", [primaryAt("", 25, MX)]);
    bench.store.put({ domain: "a.test" });
    const delivery = await bench.start();
    bench.directory.set("a.test", [primaryAt("192.0.2.2", 25)]);
    const second = bench.client.server("192.0.2.2:25");
    second.down = true;
    delivery.directoryChanged(["a.test"]);
    await bench.pass(1000);
    found.resolve();
    await bench.pass(3000);
    second.down = false;
    await bench.pass(3000);
    assert.deepEqual([old.mails.length, second.mails.length], [0, 1]);
  });

  test("follow it all, hundreds of them", async () => {
    const bench = deliveryBench();
    // One more than fills slices of a hundred.
    const names = Array.from({ length: 201 }, (_, i) => `d${i}.test`);
    for (const name of names) bench.directory.set(name, [primaryAt("192.0.2.1", 25)]);
    const delivery = await bench.start({}, "all domains");
    for (const name of names) bench.directory.set(name, [primaryAt("192.0.2.2", 25)]);
    delivery.directoryChanged(names);
    await bench.pass(1000);
    assert.deepEqual(
      delivery.status().map(({ destination, domains }) => [destination, domains.length]),
      [["192.0.2.2:25", names.length]],
    );
  });

  test("are watched before their first mail when their names are given", async () => {
    const bench = deliveryBench();
    bench.client.server("192.0.2.1:25");
    bench.directory.set("a.test", [primaryAt("192.0.2.1", 25)]);
    await bench.start({}, "all domains");
    await bench.pass(100);
    assert.equal(bench.store.grants.get("a.test"), 1, "the canary may come in its accepting commit");
    bench.store.accept({ domain: "a.test" });
    await bench.pass(10);
    assert.deepEqual(bench.store.count(), { gone: 1 });
    assert.equal(bench.store.claims.length, 0);
  });
});

describe("another host, to which an operator sent mail", () => {
  const ELSEWHERE = reroutedKey("a.test", "192.0.2.7:2525");
  const places = (delivery: Delivery): readonly string[] =>
    delivery.status().map(({ destination }) => destination);
  const survey = (delivery: Delivery): unknown =>
    delivery.jobs.find(({ name }) => name === "delivery.survey")?.run();

  test("is looked at no longer once that has gone, and again when more is sent there", async () => {
    const bench = deliveryBench();
    bench.client.server("192.0.2.1:25");
    const other = bench.client.server("192.0.2.7:2525");
    bench.directory.set("a.test", [primaryAt("192.0.2.1", 25)]);
    const delivery = await bench.start({}, "all domains");
    for (const mails of [1, 2]) {
      bench.store.accept({ domain: ELSEWHERE });
      await bench.pass(100);
      assert.equal(other.mails.length, mails);
      assert.deepEqual(places(delivery), ["192.0.2.1:25", "192.0.2.7:2525"]);
      await survey(delivery);
      assert.deepEqual(places(delivery), ["192.0.2.1:25"]);
      assert.equal(bench.store.grants.get(ELSEWHERE), 0);
      const { knocks } = other;
      await bench.pass(120_000, 1000);
      assert.equal(other.knocks, knocks);
    }
  });

  test("is looked at while mail waits for it, or is on its way", async () => {
    const bench = deliveryBench();
    const other = bench.client.server("192.0.2.7:2525");
    bench.directory.set("a.test", [primaryAt("192.0.2.1", 25)]);
    const delivery = await bench.start();
    other.down = true;
    bench.store.accept({ domain: ELSEWHERE });
    await bench.pass(3000);
    await survey(delivery);
    assert.deepEqual(places(delivery), ["192.0.2.7:2525"]);
    const answered = Promise.withResolvers<void>();
    other.onMail = async (mail) => {
      await answered.promise;
      return allOf(mail, DELIVERED);
    };
    other.down = false;
    await bench.pass(3000);
    assert.deepEqual(bench.store.count(), { claimed: 1 });
    await survey(delivery);
    assert.deepEqual(places(delivery), ["192.0.2.7:2525"]);
    answered.resolve();
    await bench.pass(100);
    assert.deepEqual(bench.store.count(), { gone: 1 });
  });
});

describe("our own trap doors", () => {
  test("a primary at our own listener is a loop: nothing is sent, nothing bounces", async () => {
    const bench = deliveryBench();
    const server = bench.client.server("127.0.0.1:2525");
    bench.directory.set("a.test", [primaryAt("127.0.0.1", 2525)]);
    bench.store.put({ domain: "a.test" });
    const delivery = await bench.start({ ownAddresses: [{ address: "0.0.0.0", port: 2525 }] });
    await bench.pass(3_600_000, 10_000);
    assert.equal(server.knocks, 0);
    assert.deepEqual(bench.store.count(), { waiting: 1 });
    assert.equal(delivery.status()[0]?.state, "loop");
    assert.equal(bench.journal.of("primary.loop").length, 1);
    assert.equal(bench.journal.of("primary.down").length, 0);
  });

  test("a primary that greets with our name is a loop, until the directory says otherwise", async () => {
    const bench = deliveryBench();
    const server = bench.client.server("192.0.2.1:25");
    server.name = "mx2.test";
    bench.directory.set("a.test", [primaryAt("192.0.2.1", 25)]);
    bench.store.put({ domain: "a.test" });
    const delivery = await bench.start();
    await bench.pass(60_000, 1000);
    assert.equal(delivery.status()[0]?.state, "loop");
    assert.equal(server.mails.length, 0);
    assert.ok(server.knocks <= 2);
    server.name = "primary.test";
    delivery.directoryChanged(["a.test"]);
    await bench.pass(1000);
    assert.deepEqual(bench.store.count(), { gone: 1 });
  });
});

describe("names", () => {
  test("of a primary that do not resolve are trouble of the destination, never a bounce", async () => {
    const bench = deliveryBench();
    bench.client.server("192.0.2.1:25");
    bench.resolver.hosts.set("mail.a.test", { kind: "none" });
    bench.directory.set("a.test", [primaryAt("mail.a.test", 25)]);
    bench.store.put({ domain: "a.test" });
    const delivery = await bench.start();
    await bench.pass(3_600_000, 60_000);
    assert.deepEqual(bench.store.count(), { waiting: 1 });
    assert.match(delivery.status()[0]?.why ?? "", /no address/);
    bench.resolver.hosts.set("mail.a.test", { kind: "found", records: ["192.0.2.1"] });
    await bench.pass(2000);
    assert.deepEqual(bench.store.count(), { gone: 1 });
  });

  test("with several addresses are tried in turn", async () => {
    const bench = deliveryBench();
    bench.client.server("192.0.2.9:25").down = true;
    const second = bench.client.server("192.0.2.1:25");
    bench.resolver.hosts.set("mail.a.test", { kind: "found", records: ["192.0.2.9", "192.0.2.1"] });
    bench.directory.set("a.test", [primaryAt("mail.a.test", 25)]);
    bench.store.put({ domain: "a.test" });
    await bench.start();
    await bench.pass(500);
    assert.equal(second.mails.length, 1);
    assert.equal(bench.client.server("192.0.2.9:25").conversations, 0);
  });
});

describe("MX", () => {
  test("records better than ours are used, by preference", async () => {
    const bench = deliveryBench();
    const server = bench.client.server("best.a.test:25");
    bench.client.server("worse.a.test:25");
    bench.resolver.exchangers.set("a.test", {
      kind: "found",
      records: [
        { preference: 20, host: "mx2.test" },
        { preference: 10, host: "best.a.test" },
        { preference: 30, host: "worse.a.test" },
      ],
    });
    bench.directory.set("a.test", [primaryAt("", 25, MX)]);
    bench.store.put({ domain: "a.test" });
    const delivery = await bench.start();
    await bench.pass(500);
    assert.equal(server.mails.length, 1);
    assert.deepEqual(
      delivery.status().map(({ destination }) => destination),
      ["best.a.test:25"],
    );
  });

  test("records are followed to the port that the primary names", async () => {
    const bench = deliveryBench();
    bench.resolver.exchangers.set("a.test", {
      kind: "found",
      records: [{ preference: 10, host: "mail.a.test" }],
    });
    bench.directory.set("a.test", [primaryAt("", 2525, { mx: true })]);
    const delivery = await bench.start({}, "all domains");
    await bench.pass(500);
    assert.deepEqual(
      delivery.status().map(({ destination }) => destination),
      ["mail.a.test:2525"],
    );
  });

  test("without records the domain's own address is used", async () => {
    const bench = deliveryBench();
    const server = bench.client.server("a.test:25");
    bench.directory.set("a.test", [primaryAt("", 25, MX)]);
    bench.store.put({ domain: "a.test" });
    await bench.start();
    await bench.pass(500);
    assert.equal(server.mails.length, 1);
  });

  test("a null record and one that names us alone hold the mail and are journaled once", async () => {
    const bench = deliveryBench();
    bench.resolver.exchangers.set("null.test", { kind: "found", records: [{ preference: 0, host: "" }] });
    bench.resolver.exchangers.set("us.test", {
      kind: "found",
      records: [{ preference: 10, host: "mx2.test" }],
    });
    for (const name of ["null.test", "us.test"]) {
      bench.directory.set(name, [primaryAt("", 25, MX)]);
      bench.store.put({ domain: name });
    }
    const delivery = await bench.start();
    for (let i = 0; i < 10; i++) {
      delivery.directoryChanged(["null.test", "us.test"]);
      await bench.pass(1000);
    }
    assert.deepEqual(bench.store.count(), { waiting: 2 });
    assert.equal(bench.journal.of("primary.down").length, 1);
    assert.equal(bench.journal.of("primary.loop").length, 1);
  });

  test("a failed lookup is tried again", async () => {
    const bench = deliveryBench();
    const server = bench.client.server("mail.a.test:25");
    bench.resolver.exchangers.set("a.test", { kind: "failed", why: "SERVFAIL" });
    bench.directory.set("a.test", [primaryAt("", 25, MX)]);
    bench.store.put({ domain: "a.test" });
    await bench.start();
    await bench.pass(20_000, 1000);
    assert.deepEqual(bench.store.count(), { waiting: 1 });
    bench.resolver.exchangers.set("a.test", {
      kind: "found",
      records: [{ preference: 10, host: "mail.a.test" }],
    });
    await bench.pass(6000, 1000);
    assert.equal(server.mails.length, 1);
    assert.equal(bench.journal.of("primary.down").length, 1);
    assert.equal(bench.journal.of("primary.up").length, 1);
  });

  test("that could not be looked up while nothing waited are looked up when mail comes", async () => {
    const bench = deliveryBench();
    const server = bench.client.server("mail.a.test:25");
    bench.resolver.exchangers.set("a.test", { kind: "failed", why: "SERVFAIL" });
    bench.directory.set("a.test", [primaryAt("", 25, MX)]);
    await bench.start({}, "all domains");
    await bench.pass(20_000, 1000);
    bench.resolver.exchangers.set("a.test", {
      kind: "found",
      records: [{ preference: 10, host: "mail.a.test" }],
    });
    bench.store.accept({ domain: "a.test" });
    await bench.pass(2000);
    assert.equal(server.mails.length, 1);
    bench.store.accept({ domain: "unknown.test" });
    await bench.pass(2000);
    assert.deepEqual(bench.store.count(), { gone: 1, waiting: 1 });
  });

  test("that are found after a stop are not spoken to, and others not asked for again and again", async () => {
    const bench = deliveryBench();
    const server = bench.client.server("192.0.2.1:25");
    const found = Promise.withResolvers<void>();
    let asked = 0;
    bench.resolver.mx = async (domain) => {
      asked += 1;
      if (domain === "b.test") return { kind: "failed", why: "SERVFAIL" };
      await found.promise;
      return { kind: "found", records: [{ preference: 10, host: "192.0.2.1" }] };
    };
    for (const domain of ["a.test", "b.test"]) {
      bench.directory.set(domain, [primaryAt("", 25, MX)]);
      bench.store.put({ domain });
    }
    const delivery = await bench.start();
    await delivery.stop();
    const before = asked;
    found.resolve();
    await bench.pass(60_000, 1000);
    assert.equal(server.knocks, 0);
    assert.ok(asked <= before + 1, `${asked - before}, of which one was planned`);
  });

  test("that cannot be looked up are told of once, in whatever words they fail", async () => {
    const bench = deliveryBench();
    bench.directory.set("a.test", [primaryAt("", 25, MX)]);
    bench.store.put({ domain: "a.test" });
    const words = ["ETIMEOUT", "ESERVFAIL", "no answer within 5 s"];
    let asked = 0;
    bench.resolver.mx = async () => ({ kind: "failed", why: words[asked++ % 3] ?? "" });
    await bench.start();
    await bench.pass(600_000, 5000);
    assert.ok(asked > 100);
    assert.equal(bench.journal.of("primary.down").length, 1);
  });

  test("that cannot be looked up for an hour are asked for as often in its last minute as in its first", async () => {
    const bench = deliveryBench();
    bench.directory.set("a.test", [primaryAt("", 25, MX)]);
    bench.store.put({ domain: "a.test" });
    let asked = 0;
    bench.resolver.mx = async () => {
      asked += 1;
      return { kind: "failed", why: "ETIMEOUT" };
    };
    const delivery = await bench.start();
    const survey = delivery.jobs.find(({ name }) => name === "delivery.survey");
    for (let minute = 0; minute < 60; minute++) {
      asked = 0;
      await survey?.run();
      await bench.pass(60_000, 5000);
    }
    assert.ok(asked <= 13, `every 5 s, and by the survey: ${asked}`);
  });

  test("that cannot be looked up are asked for by the survey alone while no mail waits", async () => {
    const bench = deliveryBench();
    bench.directory.set("a.test", [primaryAt("", 25, MX)]);
    let asked = 0;
    bench.resolver.mx = async () => {
      asked += 1;
      return { kind: "failed", why: "ETIMEOUT" };
    };
    await bench.start({}, "all domains");
    await bench.pass(60_000, 5000);
    assert.equal(asked, 1);
  });
});

test("a name with many addresses of one family: the other family is tried as the second", async () => {
  const bench = deliveryBench();
  const six = Array.from({ length: 8 }, (_, n) => `2001:db8::${n + 1}`);
  bench.resolver.hosts.set("primary.test", { kind: "found", records: [...six, "192.0.2.1"] });
  bench.directory.set("a.test", [primaryAt("primary.test", 25)]);
  const server = bench.client.server("192.0.2.1:25");
  bench.store.put({ domain: "a.test" });
  await bench.start();
  await bench.pass(1000);
  assert.equal(server.mails.length, 1);
});

test("a primary whose name does not exist, or cannot be looked up, is away: its mail waits and never bounces", async () => {
  for (const answer of [{ kind: "none" }, { kind: "failed", why: "SERVFAIL" }] as const) {
    const bench = deliveryBench();
    bench.resolver.hosts.set("primary.test", answer);
    bench.directory.set("a.test", [primaryAt("primary.test", 25)]);
    const server = bench.client.server("192.0.2.1:25");
    bench.store.put({ domain: "a.test" });
    const delivery = await bench.start();
    await bench.pass(120_000, 1000);
    assert.deepEqual(bench.store.count(), { waiting: 1 });
    assert.equal(delivery.status()[0]?.state, "down");
    bench.resolver.hosts.set("primary.test", { kind: "found", records: ["192.0.2.1"] });
    await bench.pass(3000);
    assert.equal(server.mails.length, 1);
  }
});

test("a directory that could not be read is read again, and what it tells then holds", async () => {
  const bench = deliveryBench();
  const server = bench.client.server("192.0.2.1:25");
  for (const domain of ["a.test", "b.test"]) bench.directory.set(domain, [primaryAt("192.0.2.1", 25)]);
  bench.store.put({ domain: "a.test" });
  const read = bench.directory.domain.bind(bench.directory);
  const broken = (): never => {
    throw new Error("disk I/O error");
  };
  bench.directory.domain = broken;
  const delivery = await bench.start({}, "all domains");
  delivery.directoryChanged(["a.test", "b.test"]);
  await bench.pass(2000);
  assert.deepEqual(bench.store.count(), { waiting: 1 });
  bench.directory.domain = read;
  await bench.pass(10_000, 1000);
  assert.deepEqual(bench.store.count(), { gone: 1 });
  bench.directory.domain = broken;
  delivery.directoryChanged(["a.test", "b.test"]);
  for (const domain of ["a.test", "b.test"]) bench.store.accept({ domain });
  await bench.pass(1000);
  assert.equal(server.mails.length, 3, "what was known before holds");
  bench.directory.domain = read;
  await bench.pass(10_000, 1000);
  for (const domain of ["a.test", "b.test"]) bench.directory.remove(domain);
  delivery.directoryChanged(["a.test", "b.test"]);
  await bench.pass(10_000, 1000);
  assert.deepEqual(delivery.status(), [], "nobody holds on to their primary");
});

test("a primary that one of its domains leaves goes on for the others", async () => {
  const bench = deliveryBench();
  for (const name of ["a.test", "b.test"]) bench.directory.set(name, [primaryAt("192.0.2.1", 25)]);
  const [old, other] = [1, 2].map((n) => bench.client.server(`192.0.2.${n}:25`));
  const delivery = await bench.start({}, "all domains");
  await bench.pass(1000);
  bench.directory.set("a.test", [primaryAt("192.0.2.2", 25)]);
  delivery.directoryChanged(["a.test"]);
  await bench.pass(1000);
  for (const domain of ["a.test", "b.test"]) bench.store.accept({ domain });
  await bench.pass(1000);
  assert.deepEqual(
    [old, other].map((server) => server?.mails.map(({ domain }) => domain)),
    [["b.test"], ["a.test"]],
  );
});

test("what an operator sent elsewhere goes there while its domain is paused", async () => {
  const bench = deliveryBench();
  const other = bench.client.server("192.0.2.7:2525");
  bench.directory.set("a.test", [primaryAt("192.0.2.1", 25)], { paused: true });
  bench.store.put({ domain: reroutedKey("a.test", "192.0.2.7:2525") });
  await bench.start({}, "all domains");
  await bench.pass(1000);
  assert.deepEqual([bench.store.count(), other.mails.length], [{ gone: 1 }, 1]);
});

test("MX records are looked up each minute: new ones are followed, and the last known while none can be had", async () => {
  const bench = deliveryBench();
  const [one, two] = ["one.test", "two.test"].map((host) => bench.client.server(`${host}:25`));
  const exchanger = (host: string): void =>
    void bench.resolver.exchangers.set("a.test", { kind: "found", records: [{ preference: 10, host }] });
  exchanger("one.test");
  bench.directory.set("a.test", [primaryAt("", 25, MX)]);
  const delivery = await bench.start({}, "all domains");
  const survey = delivery.jobs.find(({ name }) => name === "delivery.survey");
  const next = async (): Promise<readonly (number | undefined)[]> => {
    await survey?.run();
    await bench.pass(1000);
    bench.store.accept({ domain: "a.test" });
    await bench.pass(1000);
    return [one?.mails.length, two?.mails.length];
  };
  assert.deepEqual(await next(), [1, 0]);
  bench.resolver.exchangers.set("a.test", { kind: "failed", why: "SERVFAIL" });
  assert.deepEqual(await next(), [2, 0]);
  exchanger("two.test");
  assert.deepEqual(await next(), [2, 1]);
});

test("MX records that cannot be had leave no mail to a lesser primary that is named beside them", async () => {
  const bench = deliveryBench();
  const [best, spare] = ["best.test", "spare.test"].map((host) => bench.client.server(`${host}:25`));
  bench.resolver.exchangers.set("a.test", {
    kind: "found",
    records: [{ preference: 10, host: "best.test" }],
  });
  bench.directory.set("a.test", [primaryAt("", 25, MX), primaryAt("spare.test", 25, { preference: 20 })]);
  const delivery = await bench.start({}, "all domains");
  const survey = delivery.jobs.find(({ name }) => name === "delivery.survey");
  await bench.pass(1000);
  bench.resolver.exchangers.set("a.test", { kind: "failed", why: "SERVFAIL" });
  await survey?.run();
  await bench.pass(1000);
  bench.store.accept({ domain: "a.test" });
  await bench.pass(1000);
  assert.deepEqual([best?.mails.length, spare?.mails.length], [1, 0]);
  assert.deepEqual(
    delivery.status().map(({ destination }) => destination),
    ["best.test:25", "spare.test:25"],
  );
});

test("a domain that is to follow MX records has nothing go to its old primary while they cannot be had", async () => {
  const bench = deliveryBench();
  const [old, best] = ["old.test", "best.test"].map((host) => bench.client.server(`${host}:25`));
  bench.directory.set("a.test", [primaryAt("old.test", 25)]);
  const delivery = await bench.start({}, "all domains");
  await bench.pass(1000);
  bench.resolver.exchangers.set("a.test", { kind: "failed", why: "SERVFAIL" });
  bench.directory.set("a.test", [primaryAt("", 25, MX)]);
  delivery.directoryChanged(["a.test"]);
  await bench.pass(1000);
  bench.store.accept({ domain: "a.test" });
  await bench.pass(1000);
  assert.deepEqual([old?.mails.length, bench.store.count()], [0, { waiting: 1 }]);
  assert.equal(bench.journal.of("primary.down")[0]?.destination, "route of a.test");
  bench.resolver.exchangers.set("a.test", {
    kind: "found",
    records: [{ preference: 10, host: "best.test" }],
  });
  await bench.pass(6000);
  assert.deepEqual([old?.mails.length, best?.mails.length], [0, 1]);
});

test("mail that a clock which was ahead would have sleep for hours is woken", async () => {
  const bench = deliveryBench();
  const server = bench.client.server("192.0.2.1:25");
  bench.directory.set("a.test", [primaryAt("192.0.2.1", 25)]);
  bench.store.put({ domain: "a.test", dueAt: bench.clock.now() + 3 * 3_600_000 });
  const delivery = await bench.start({}, "all domains");
  await bench.pass(1000);
  assert.equal(server.mails.length, 0);
  await delivery.jobs.find(({ name }) => name === "delivery.survey")?.run();
  await bench.pass(1000);
  assert.equal(server.mails.length, 1);
});
