import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Outcome } from "../../../../../src/mail/outcome.ts";
import { DSN_DOMAIN, type DsnRoute } from "../../../../../src/ports/dsn.ts";
import { DestinationTrouble } from "../../../../../src/ports/smtp-client.ts";
import { DsnDelivery } from "../../../../../src/services/delivery/dsn/dsn-delivery.ts";
import { Settler } from "../../../../../src/services/delivery/ground/settler.ts";
import { deliveryBench } from "../../../../support/delivery-bench.ts";
import { primaryAt } from "../../../../support/fake-directory.ts";
import { allOf } from "../../../../support/fake-smtp-client.ts";
import { holdClaims } from "../../../../support/hold-claims.ts";
import { idle } from "../../../../support/settle.ts";
import type { StoredMail } from "../../../../support/fake-work-store.ts";
import { SILENT } from "../../../../support/silent-log.ts";

const HOUR = 3_600_000;
const SMART: DsnRoute = { kind: "host", host: "192.0.2.25", port: 587, tls: "none" };
const REFUSED: Outcome = { kind: "refused", reply: { code: 550, enhanced: "5.1.1", text: "nobody" } };
const DEFERRED: Outcome = { kind: "deferred", reply: { code: 451, text: "later" } };

function bench(route: DsnRoute = SMART) {
  const parts = deliveryBench();
  const settings = { hostname: "mx2.test", ownAddresses: [], route, retention: 5 * 24 * HOUR };
  const common = { ...parts, log: SILENT, random: () => 0.5 };
  const delivery = new DsnDelivery({
    ...common,
    settler: new Settler(common),
    settings: () => settings,
    isDoubted: () => false,
  });
  return {
    ...parts,
    delivery,
    settings,
    put: (to: string) => parts.store.put({ domain: DSN_DOMAIN, recipients: [to], sender: "" }),
    run: async () => {
      await delivery.run();
      await idle();
    },
  };
}

function stateOf(mail: StoredMail | undefined): string {
  const [recipient] = mail?.recipients ?? [];
  return `${recipient?.state} ${recipient?.reason ?? ""}`.trim();
}

describe("the way of DSNs", () => {
  it("goes by the smart host, from the null sender, and writes a line for each", async () => {
    const { client, put, run, journal, store } = bench();
    const server = client.server("192.0.2.25:587");
    const notices = Array.from({ length: 9 }, (_, i) => put(`ann${i}@friend.test`));
    await run();
    assert.deepEqual(notices.map(stateOf), Array(9).fill("gone delivered"));
    assert.ok(server.mails.every(({ sender }) => sender === ""));
    assert.equal(server.mostOpen, 4);
    const sent = journal.of("notice.sent");
    assert.equal(sent.length, 9);
    assert.equal(sent[0]?.destination, "192.0.2.25:587");
    assert.ok(store.settled.every(({ hash }) => hash !== undefined));
  });

  it("drops what is refused: gone, with its words, and nobody is told of it", async () => {
    const { client, put, run, journal, store } = bench();
    client.server("192.0.2.25:587").onMail = (mail) => allOf(mail, REFUSED);
    const notice = put("ann@friend.test");
    await run();
    assert.equal(stateOf(notice), "gone refused");
    assert.equal(journal.of("notice.dropped")[0]?.reply?.code, 550);
    assert.ok(store.settled.every(({ recipients }) => recipients.every(({ owes }) => owes === undefined)));
  });

  it("tries again after 5 min doubling to 4 h, and drops what is too old", async () => {
    const { client, put, run, clock, journal } = bench();
    client.server("192.0.2.25:587").onMail = (mail) => allOf(mail, DEFERRED);
    const notice = put("ann@friend.test");
    const delays: number[] = [];
    while (stateOf(notice) !== "gone expired" && delays.length < 100) {
      await run();
      const { dueAt = 0 } = notice.recipients[0] ?? {};
      if (dueAt === Infinity) break;
      delays.push((dueAt - clock.now()) / 60_000);
      clock.advance(dueAt - clock.now());
    }
    assert.deepEqual(delays.slice(0, 8), [5, 10, 20, 40, 80, 160, 240, 240]);
    assert.equal(stateOf(notice), "gone expired");
    assert.equal(journal.of("notice.dropped").length, 1);
    assert.ok(delays.length < 40);
  });

  it("waits when nobody answers, and never asks in between", async () => {
    const { client, put, run, clock, journal } = bench();
    const server = client.server("192.0.2.25:587");
    server.down = true;
    const notice = put("ann@friend.test");
    await run();
    assert.equal(stateOf(notice), "waiting");
    assert.equal(journal.of("notice.deferred").length, 1);
    const { knocks } = server;
    clock.advance(4 * 60_000);
    await run();
    assert.equal(server.knocks, knocks);
    server.down = false;
    clock.advance(2 * 60_000);
    await run();
    assert.equal(stateOf(notice), "gone delivered");
  });

  it("waits a minute for a greeting, and tells the reply of a server that does not let us in", async () => {
    const { client, put, run, journal } = bench();
    const refusal = { code: 554, text: "no PTR" };
    const server = client.server("192.0.2.25:587");
    let patience = 0;
    server.onGreet = (asked) => {
      patience = asked;
    };
    server.greeting = new DestinationTrouble("greeting", "554 no PTR", refusal);
    const notice = put("ann@friend.test");
    await run();
    assert.equal(stateOf(notice), "waiting");
    assert.deepEqual([journal.of("notice.deferred")[0]?.reply, patience], [refusal, 60_000]);
  });

  it("tries each address of a host until one speaks with us", async () => {
    const { client, resolver, put, run } = bench({ ...SMART, host: "smart.test" });
    resolver.hosts.set("smart.test", { kind: "found", records: ["192.0.2.26", "192.0.2.25"] });
    const refusal = { code: 554, text: "no PTR" };
    client.server("192.0.2.26:587").greeting = new DestinationTrouble("greeting", "554 no PTR", refusal);
    client.server("192.0.2.25:587");
    const notice = put("ann@friend.test");
    await run();
    assert.equal(stateOf(notice), "gone delivered");
  });

  it("is tried again at once where all were made due while it was under way", async () => {
    const { client, put, delivery, store } = bench();
    const server = client.server("192.0.2.25:587");
    const answer = Promise.withResolvers<void>();
    const { onMail } = server;
    server.onMail = async (mail) => {
      await answer.promise;
      server.onMail = onMail;
      return allOf(mail, DEFERRED);
    };
    const notice = put("ann@friend.test");
    await delivery.run();
    await delivery.flush();
    answer.resolve();
    await idle();
    assert.equal(store.settled[0]?.recipients[0]?.outcome.kind, "deferred");
    assert.equal(stateOf(notice), "gone delivered");
  });

  it("is made due before it is claimed, however long that takes the store", async () => {
    const { client, put, delivery, run, store } = bench();
    const server = client.server("192.0.2.25:587");
    server.down = true;
    const notice = put("ann@friend.test");
    await run();
    assert.equal(stateOf(notice), "waiting");
    server.down = false;
    const wake = store.wake.bind(store);
    store.wake = async (domains) => {
      await idle();
      return wake(domains);
    };
    await delivery.flush();
    await idle();
    assert.equal(stateOf(notice), "gone delivered");
  });

  it("comes again where our own trouble kept it, and tells nothing of one that it holds no more", async () => {
    const { client, put, run, journal, resolver, store, clock } = bench({ kind: "direct" });
    resolver.mx = () => Promise.reject(new Error("out of order"));
    const notice = put("ann@192.0.2.9");
    await run();
    assert.equal(stateOf(notice), "waiting");
    const [deferred] = journal.of("notice.deferred");
    assert.deepEqual([deferred?.reply, deferred?.to], [{ code: 451, text: "out of order" }, "ann@192.0.2.9"]);
    resolver.mx = async () => ({ kind: "none" });
    client.server("192.0.2.9:25");
    store.settle = async () => false;
    clock.advance(300_000);
    await run();
    assert.deepEqual(journal.of("notice.sent"), []);
  });

  it("does nothing while the route is off", async () => {
    const { put, run, store } = bench({ kind: "off" });
    const notice = put("ann@friend.test");
    await run();
    assert.equal(stateOf(notice), "waiting");
    assert.equal(store.claims.length, 0);
  });

  it("goes directly to the sender's MX, the next host when one is away", async () => {
    const { client, put, run, resolver } = bench({ kind: "direct" });
    const host = (name: string, preference: number) => ({ host: name, preference });
    resolver.exchangers.set("friend.test", {
      kind: "found",
      records: [host("192.0.2.2", 20), host("192.0.2.1", 10)],
    });
    client.server("192.0.2.1:25").down = true;
    const second = client.server("192.0.2.2:25");
    const notice = put("ann@friend.test");
    await run();
    assert.equal(stateOf(notice), "gone delivered");
    assert.equal(second.mails.length, 1);
  });

  it("tries three hosts at most, each of them once, before it comes again", async () => {
    const { client, put, run, resolver, journal } = bench({ kind: "direct" });
    const records = [1, 2, 3, 4].map((n) => ({ host: `192.0.2.${n}`, preference: n }));
    resolver.exchangers.set("friend.test", { kind: "found", records });
    const servers = records.map(({ host }) => client.server(`${host}:25`));
    for (const server of servers) server.down = true;
    const notice = put("ann@friend.test");
    await run();
    assert.deepEqual(
      servers.map(({ knocks }) => knocks),
      [1, 1, 1, 0],
    );
    assert.equal(stateOf(notice), "waiting");
    const [deferred] = journal.of("notice.deferred");
    assert.deepEqual([deferred?.destination, deferred?.reply?.code], ["192.0.2.3:25", 421]);
  });

  it("is put off where the server hangs up before it, and not tried again at once", async () => {
    const { client, put, run, journal, clock } = bench();
    client.server("192.0.2.25:587").onMail = (mail) => allOf(mail, { kind: "released" });
    const notice = put("ann@friend.test");
    await run();
    assert.equal(stateOf(notice), "waiting");
    assert.equal(notice.recipients[0]?.dueAt, clock.now() + 300_000);
    const [{ reply, destination } = {}] = journal.of("notice.deferred");
    assert.deepEqual([reply?.code, reply?.enhanced, destination], [421, "4.4.2", "192.0.2.25:587"]);
  });

  it("goes at once where it came during a claim that did not find it", async () => {
    const { client, put, delivery, store } = bench();
    client.server("192.0.2.25:587");
    const { letGo } = holdClaims({ store });
    delivery.start();
    await idle();
    const notice = put("ann@friend.test");
    delivery.start();
    letGo();
    await idle();
    assert.equal(stateOf(notice), "gone delivered");
  });

  it("knows domains of ours, null MX, and names that cannot be looked up", async () => {
    const { client, put, run, resolver, directory } = bench({ kind: "direct" });
    directory.set("ours.test", [primaryAt("192.0.2.7", 2525)]);
    const primary = client.server("192.0.2.7:2525");
    resolver.exchangers.set("null.test", { kind: "found", records: [{ host: "", preference: 0 }] });
    resolver.exchangers.set("broken.test", { kind: "failed", why: "SERVFAIL" });
    const [ours, none, broken] = ["ours", "null", "broken"].map((name) => put(`ann@${name}.test`));
    await run();
    assert.deepEqual([ours, none, broken].map(stateOf), ["gone delivered", "gone refused", "waiting"]);
    assert.equal(primary.mails.length, 1);
  });

  it("never hands a DSN to ourselves", async () => {
    const { client, put, run, journal } = bench();
    client.server("192.0.2.25:587").name = "MX2.test";
    const notice = put("ann@friend.test");
    await run();
    assert.equal(stateOf(notice), "waiting");
    assert.equal(journal.of("notice.deferred")[0]?.reply?.text, "it is ourselves");
  });

  it("gives up after three lost replies", async () => {
    const { client, put, run, clock } = bench();
    const server = client.server("192.0.2.25:587");
    server.onMail = (mail) =>
      allOf(mail, { kind: "unconfirmed", why: "lost" }, new DestinationTrouble("session", "lost"));
    const notice = put("ann@friend.test");
    const states: string[] = [];
    for (let i = 0; i < 3; i++) {
      await run();
      states.push(stateOf(notice));
      clock.advance(HOUR);
    }
    assert.deepEqual(states, ["unconfirmed", "unconfirmed", "gone unconfirmed"]);
  });

  it("does not wait at a stop for a connection, and ends one that comes then", async () => {
    const { client, put, delivery, clock, journal } = bench();
    const server = client.server("192.0.2.25:587");
    server.onGreet = () => new Promise((resolve) => clock.after(20_000, resolve));
    const notice = put("ann@friend.test");
    await delivery.run();
    await idle();
    assert.equal(stateOf(notice), "claimed");
    await delivery.stop();
    assert.equal(stateOf(notice), "waiting");
    // It is given back, and no attempt has failed.
    assert.deepEqual([notice.recipients[0]?.attempts, journal.of("notice.deferred")], [0, []]);
    clock.advance(20_000);
    await idle();
    assert.deepEqual([server.conversations, server.open, server.mails.length], [1, 0, 0]);
  });

  it("gives back at a stop what has not begun", async () => {
    const { client, put, delivery, clock } = bench();
    const server = client.server("192.0.2.25:587");
    const gate = Promise.withResolvers<void>();
    server.onMail = async (mail) => {
      await gate.promise;
      return allOf(mail, DEFERRED);
    };
    const notice = put("ann@friend.test");
    await delivery.run();
    await idle();
    const stopped = delivery.stop();
    clock.advance(2001);
    await stopped;
    assert.equal(stateOf(notice), "waiting");
  });
});
