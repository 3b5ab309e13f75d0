import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../../../../../src/mail/outcome.ts";
import { DSN_DOMAIN, type DsnRoute, type DsnStore, type ToldRequest } from "../../../../../src/ports/dsn.ts";
import type { DeliverySettings } from "../../../../../src/services/delivery/delivery.ts";
import { deliveryBench, SETTINGS } from "../../../../support/delivery-bench.ts";
import { holdClaims } from "../../../../support/hold-claims.ts";
import { primaryAt } from "../../../../support/fake-directory.ts";
import { allOf } from "../../../../support/fake-smtp-client.ts";
import { owedMail } from "../../../../support/owed-mail.ts";

const DEFERRED: Outcome = { kind: "deferred", reply: { code: 451, text: "later" } };
const NO_USER: Outcome = { kind: "refused", reply: { code: 550, enhanced: "5.1.1", text: "no such user" } };
const DIRECT: DsnRoute = { kind: "direct" };

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function hostAt(host: string): DsnRoute {
  return { kind: "host", host, port: 587, tls: "none" };
}

function settingsWith(route: DsnRoute): DeliverySettings {
  return { ...SETTINGS, notices: { route, perSender: 10, fullSize: 0, retention: 5 * DAY } };
}

const CHANGES: readonly (readonly [what: string, DsnRoute, DsnRoute, attempts: number])[] = [
  ["another host", hostAt("192.0.2.25"), hostAt("192.0.2.26"), 2],
  ["from a host to the recipient's own", hostAt("192.0.2.25"), DIRECT, 2],
  ["the same host, whose password may be another", hostAt("192.0.2.25"), hostAt("192.0.2.25"), 2],
  ["as before: servers of strangers are not asked again for our reload", DIRECT, DIRECT, 1],
];

for (const [what, before, after, attempts] of CHANGES)
  test(`a reload with a way for DSNs that is ${what}`, async () => {
    const bench = deliveryBench();
    bench.resolver.exchangers.set("friend.test", {
      kind: "found",
      records: [{ host: "192.0.2.1", preference: 10 }],
    });
    const servers = ["192.0.2.25:587", "192.0.2.26:587", "192.0.2.1:25"].map((name) =>
      bench.client.server(name),
    );
    let asked = 0;
    for (const server of servers)
      server.onMail = (mail) => {
        asked += 1;
        return allOf(mail, DEFERRED);
      };
    const delivery = await bench.start(settingsWith(before));
    bench.store.accept({ domain: DSN_DOMAIN, recipients: ["ann@friend.test"], sender: "" });
    await bench.pass(1000);
    assert.equal(asked, 1);
    delivery.apply(settingsWith(after));
    await bench.pass(1000);
    assert.equal(asked, attempts);
    await delivery.stop();
  });

test("a clock that leaps ahead has nobody told of a delay and no DSN given up, until its day has gone", async () => {
  const bench = deliveryBench();
  let looked = 0;
  const delayed: DsnStore["delayed"] = async () => {
    looked += 1;
    return { place: [0, 0, 0], more: false };
  };
  bench.dsn = { ...bench.dsn, store: { ...bench.dsn.store, delayed } };
  bench.client.server("192.0.2.25:587").onMail = (mail) => allOf(mail, DEFERRED);
  const settings = settingsWith(hostAt("192.0.2.25"));
  const notices = { ...settings.notices, delay: 4 * 3_600_000 };
  const delivery = await bench.start({ ...settings, notices });
  const run = async (name: string): Promise<void> => {
    await delivery.jobs.find((job) => job.name === name)?.run();
    await bench.pass(1000);
  };
  bench.store.accept({ domain: DSN_DOMAIN, recipients: ["ann@friend.test"], sender: "" });
  bench.clock.set(40 * DAY);
  await run("notices.delays");
  await run("notices.carry");
  assert.equal(looked, 0);
  assert.deepEqual(bench.store.count(), { waiting: 1 });
  bench.clock.advance(DAY);
  await run("notices.delays");
  await run("notices.carry");
  assert.equal(looked, 1);
  assert.deepEqual(bench.store.count(), { gone: 1 });
  await delivery.stop();
});

test("what is owed for a refusal is looked for a second later, slice by slice, and once more where the store failed", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt("192.0.2.5", 25)]);
  bench.client.server("192.0.2.5:25").onMail = (mail) =>
    allOf(mail, { kind: "refused", reply: { code: 550, text: "no" } });
  let looked = 0;
  const owed: DsnStore["owed"] = async () => {
    looked += 1;
    if (looked === 1) throw new Error("the store is out of order");
    return [];
  };
  bench.dsn = { ...bench.dsn, store: { ...bench.dsn.store, owed } };
  const delivery = await bench.start({}, "all domains");
  for (const looks of [1, 2]) {
    bench.store.accept({ domain: "a.test" });
    await bench.pass(1500);
    assert.equal(looked, looks);
  }
  assert.deepEqual(bench.store.count(), { parked: 2 });
  await delivery.stop();
});

test("a stop gives back the notice that a server does not answer", async () => {
  const bench = deliveryBench();
  bench.client.server("192.0.2.25:587").onMail = () => new Promise(() => {});
  const delivery = await bench.start(settingsWith(hostAt("192.0.2.25")));
  bench.store.accept({ domain: DSN_DOMAIN, recipients: ["ann@friend.test"], sender: "" });
  await bench.pass(1000);
  assert.deepEqual(bench.store.count(), { claimed: 1 });
  await Promise.all([delivery.stop(), bench.pass(2500)]);
  assert.deepEqual(bench.store.count(), { waiting: 1 });
});

test("a stop gives back the notice that was being claimed, and nothing is sent", async () => {
  const bench = deliveryBench();
  const server = bench.client.server("192.0.2.25:587");
  const { letGo } = holdClaims(bench);
  const delivery = await bench.start(settingsWith(hostAt("192.0.2.25")));
  bench.store.accept({ domain: DSN_DOMAIN, recipients: ["ann@friend.test"], sender: "" });
  await bench.pass(1000);
  const stopped = delivery.stop();
  await bench.pass(1000);
  assert.deepEqual(bench.store.count(), { claimed: 1 });
  letGo();
  await stopped;
  assert.deepEqual([bench.store.count(), server.conversations], [{ waiting: 1 }, 0]);
});

test("a stop ends although the store takes no word of a notice", async () => {
  const bench = deliveryBench();
  bench.client.server("192.0.2.25:587");
  bench.store.settle = () => Promise.reject(new Error("the store is out of order"));
  const delivery = await bench.start(settingsWith(hostAt("192.0.2.25")));
  bench.store.accept({ domain: DSN_DOMAIN, recipients: ["ann@friend.test"], sender: "" });
  await bench.pass(1000);
  let stopped = false;
  void delivery.stop().then(() => (stopped = true));
  await bench.pass(9000, 500);
  assert.equal(stopped, false);
  await bench.pass(36_000, 500);
  assert.equal(stopped, true);
});

test("a notice to a domain of ours outlives its primary's empty user database", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt("192.0.2.5", 25)]);
  const server = bench.client.server("192.0.2.5:25");
  const { onMail } = server;
  server.down = true;
  const delivery = await bench.start(settingsWith(DIRECT), "all domains");
  await bench.pass(HOUR / 6, 1000);
  bench.store.accept({ domain: "a.test", recipients: ["bob@a.test"] });
  server.onMail = (mail) => (mail.sender === "" ? allOf(mail, NO_USER) : allOf(mail, DEFERRED));
  server.down = false;
  await bench.pass(3000);
  const notice = bench.store.accept({ domain: DSN_DOMAIN, recipients: ["ann@a.test"], sender: "" });
  await bench.pass(3000);
  assert.equal(notice.recipients[0]?.state, "waiting");
  const [deferred] = bench.journal.of("notice.deferred");
  assert.match(deferred?.reply?.text ?? "", /^550 5\.1\.1 no such user/);
  server.onMail = onMail;
  await delivery.flush();
  await bench.pass(3000);
  assert.equal(notice.recipients[0]?.reason, "delivered");
  // A primary that has proved itself is believed.
  await delivery.resume("a.test");
  server.onMail = (mail) => allOf(mail, NO_USER);
  const second = bench.store.accept({ domain: DSN_DOMAIN, recipients: ["ann@a.test"], sender: "" });
  await bench.pass(3000);
  assert.equal(second.recipients[0]?.reason, "refused");
  await delivery.stop();
});

/** A delivery that owes a notice for a mail, again and again; `written` lets the store end with each. */
async function owing(route: DsnRoute) {
  const bench = deliveryBench();
  const told: ToldRequest[] = [];
  const written = Promise.withResolvers<void>();
  let looked = 0;
  const store: DsnStore = {
    ...bench.dsn.store,
    owed: async () => {
      looked += 1;
      return [owedMail()];
    },
    told: async (request) => {
      told.push(request);
      await written.promise;
      return true;
    },
  };
  bench.dsn = { ...bench.dsn, store };
  const delivery = await bench.start(settingsWith(route));
  const write = delivery.jobs.find(({ name }) => name === "notices.write") ?? assert.fail("no such job");
  return { bench, delivery, told, written, write, looks: () => looked };
}

test("a slice of notices is written once, whoever asks for it meanwhile", async () => {
  const { delivery, told, written, write, looks } = await owing(hostAt("192.0.2.25"));
  const runs = [write.run(), write.run()];
  written.resolve();
  await Promise.all(runs);
  assert.deepEqual([looks(), told.length], [1, 1]);
  await delivery.stop();
});

test("a stop waits for the notice that is being written, and no further one is begun", async () => {
  const { bench, delivery, told, written, looks } = await owing(hostAt("192.0.2.25"));
  bench.directory.set("a.test", [primaryAt("192.0.2.5", 25)]);
  bench.client.server("192.0.2.5:25").onMail = (mail) => allOf(mail, NO_USER);
  bench.store.accept({ domain: "a.test" });
  await bench.pass(1500);
  assert.equal(told.length, 1);
  let stopped = false;
  const stop = delivery.stop().then(() => (stopped = true));
  await bench.pass(1000);
  assert.equal(stopped, false);
  written.resolve();
  await Promise.all([stop, bench.pass(1000)]);
  assert.deepEqual([looks(), told.length], [1, 1]);
});

test("no notice is written that has no way to go", async () => {
  const { delivery, told, written, write } = await owing({ kind: "off" });
  written.resolve();
  await write.run();
  assert.deepEqual([told[0]?.notice, told[0]?.told.why], [undefined, "no route for notices is set"]);
  await delivery.stop();
});
