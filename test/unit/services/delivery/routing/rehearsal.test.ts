import assert from "node:assert/strict";
import { test } from "node:test";
import type { Primary } from "../../../../../src/ports/directory.ts";
import type { PrimaryRehearsal } from "../../../../../src/ports/rehearsal.ts";
import { DestinationTrouble } from "../../../../../src/ports/smtp-client.ts";
import { deliveryBench } from "../../../../support/delivery-bench.ts";
import { primaryAt } from "../../../../support/fake-directory.ts";
import type { FakeServer } from "../../../../support/fake-smtp-client.ts";

const REQUEST = { domain: "a.test", known: "alice@a.test", unknown: "nobody-x@a.test", maxMessageSize: 5e7 };

function verdicts(found: readonly PrimaryRehearsal[] | undefined): Record<string, string> {
  const steps = found?.[0]?.steps ?? [];
  return Object.fromEntries(steps.map(({ what, verdict }) => [what, verdict]));
}

async function rehearsed(set: (bench: ReturnType<typeof deliveryBench>) => void) {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt("192.0.2.1", 25, { tls: "opportunistic" })]);
  set(bench);
  const delivery = await bench.start();
  return { bench, found: await delivery.rehearse(REQUEST) };
}

test("a sound primary takes the known recipient and refuses the unknown one", async () => {
  const { found, bench } = await rehearsed(({ client }) => {
    const server = client.server("192.0.2.1:25");
    server.tls = "TLSv1.3";
    server.onVerify = (address) =>
      address.startsWith("alice") ? { code: 250, text: "ok" } : { code: 550, text: "no such user" };
  });
  assert.deepEqual(verdicts(found), {
    address: "ok",
    connect: "ok",
    session: "ok",
    tls: "ok",
    size: "ok",
    identity: "ok",
    known: "ok",
    unknown: "ok",
  });
  const server = bench.client.server("192.0.2.1:25");
  assert.deepEqual([server.mails.length, server.open], [0, 0], "nothing was sent, nothing is left open");
});

test("a primary that refuses a known recipient fails; one that takes any address, in clear, is warned of", async () => {
  const half = await rehearsed(({ client }) => {
    client.server("192.0.2.1:25").onVerify = () => ({ code: 550, text: "user unknown" });
  });
  assert.equal(verdicts(half.found)["known"], "fail");
  const open = await rehearsed(({ client }) => void client.server("192.0.2.1:25"));
  assert.deepEqual([verdicts(open.found)["unknown"], verdicts(open.found)["tls"]], ["warn", "warn"]);
});

test("an address in place of a name is not said to be itself", async () => {
  const { found } = await rehearsed(({ client, directory }) => {
    directory.set("a.test", [primaryAt("192.0.2.1", 25)]);
    client.server("192.0.2.1:25");
  });
  assert.equal(found?.[0]?.steps[0]?.text, "192.0.2.1");
});

test("no connection, no null sender: each is named", async () => {
  const down = await rehearsed(({ client }) => void (client.server("192.0.2.1:25").down = true));
  assert.deepEqual(verdicts(down.found), { address: "ok", connect: "fail" });
  const strict = await rehearsed(({ client }) => {
    client.server("192.0.2.1:25").nullSender = { code: 553, text: "no" };
  });
  assert.equal(verdicts(strict.found)["known"], "warn");
});

test("an address that fails is warned of where another one greets; those behind it are knocked at", async () => {
  const { found, bench } = await rehearsed(({ client, resolver, directory }) => {
    directory.set("a.test", [primaryAt("mail.a.test", 25)]);
    const records = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"];
    resolver.hosts.set("mail.a.test", { kind: "found", records });
    for (const ip of records) client.server(`${ip}:25`);
    for (const ip of ["192.0.2.1", "192.0.2.4"]) client.server(`${ip}:25`).down = true;
    client.server("192.0.2.2:25").onGreet = (patience) =>
      Promise.reject(new DestinationTrouble("greeting", `no greeting within ${patience} ms`));
  });
  const steps = found?.[0]?.steps ?? [];
  const of = (...kinds: readonly string[]) =>
    steps.filter(({ what }) => kinds.includes(what)).map(({ verdict, text }) => `${verdict}: ${text}`);
  assert.deepEqual(of("address"), [
    "ok: mail.a.test is 192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5",
  ]);
  assert.deepEqual(of("connect", "session"), [
    "warn: connection refused",
    "ok: 192.0.2.2 answers",
    "warn: 192.0.2.2: no greeting within 5000 ms",
    "ok: 192.0.2.3 answers",
    "ok: primary.test greets",
    "warn: connection refused",
    "ok: 192.0.2.5 answers",
  ]);
  const open = ["192.0.2.2", "192.0.2.3", "192.0.2.5"].map((ip) => bench.client.server(`${ip}:25`).open);
  assert.deepEqual(open, [0, 0, 0]);
});

test("where every address fails, the last trouble is the primary's", async () => {
  const { found } = await rehearsed(({ client, resolver, directory }) => {
    directory.set("a.test", [primaryAt("mail.a.test", 25)]);
    const records = ["192.0.2.1", "192.0.2.2"];
    resolver.hosts.set("mail.a.test", { kind: "found", records });
    for (const ip of records) client.server(`${ip}:25`).down = true;
  });
  const said = found?.[0]?.steps.map(({ what, verdict }) => `${what} ${verdict}`);
  assert.deepEqual(said, ["address ok", "connect warn", "connect fail"]);
});

test("each step says what was found, and what is wrong with it", async () => {
  const later = { code: 451, text: "later" };
  const steps = async (change: Partial<Primary>, set: (server: FakeServer) => void): Promise<string[]> => {
    const { found } = await rehearsed(({ client, directory, resolver }) => {
      resolver.hosts.set("mail.a.test", { kind: "found", records: ["192.0.2.1", "192.0.2.2"] });
      directory.set("a.test", [primaryAt("mail.a.test", 25, { tls: "opportunistic", ...change })]);
      set(client.server("192.0.2.1:25"));
    });
    return found?.[0]?.steps.map(({ what, verdict, text }) => `${what} ${verdict}: ${text}`) ?? [];
  };
  const strange = await steps({ identity: "xclient" }, (server) => {
    server.size = 10_000_000;
    server.attributes = { XFORWARD: ["NAME"] };
    server.onVerify = () => later;
  });
  assert.deepEqual(strange, [
    "address ok: mail.a.test is 192.0.2.1, 192.0.2.2",
    "connect ok: 192.0.2.1 answers",
    "session ok: primary.test greets",
    "tls warn: unencrypted: it offers no working STARTTLS",
    "size warn: accepts mail up to 10 MB, less than the 50 MB that we accept",
    "identity warn: does not offer XCLIENT to us: it sees clients in our header fields only",
    "known warn: alice@a.test: 451 later",
    "unknown warn: nobody-x@a.test: 451 later; it does not decide immediately",
    "connect warn: connection refused",
  ]);
  const trusting = await steps({ identity: "xforward", tls: "none" }, (server) => {
    server.size = REQUEST.maxMessageSize;
    server.attributes = { XFORWARD: ["NAME"] };
  });
  assert.deepEqual(trusting.slice(3), [
    "tls ok: unencrypted (`tls: none`)",
    "size ok: accepts mail up to 50 MB",
    "identity ok: accepts XFORWARD from us: it trusts what we say about clients",
    "known ok: alice@a.test: 250 ok",
    "unknown warn: nobody-x@a.test: 250 ok; it accepts any address, and may bounce later",
    "connect warn: connection refused",
  ]);
  const plain = await steps({}, (server) => (server.tls = "TLSv1.3"));
  assert.deepEqual(plain.slice(3, 6), [
    "tls ok: TLSv1.3 (`tls: opportunistic`)",
    "size ok: announces no size limit",
    "identity ok: does not offer XFORWARD to us: it sees clients in our header fields only",
  ]);
});

test("what ends a session is the fault of its stage", async () => {
  for (const [stage, what] of [
    ["dns", "address"],
    ["connect", "connect"],
    ["greeting", "session"],
    ["tls", "tls"],
    ["login", "session"],
  ] as const) {
    const { found } = await rehearsed(({ client }) => {
      client.server("192.0.2.1:25").greeting = new DestinationTrouble(stage, "so it is");
    });
    const last = found?.[0]?.steps.at(-1);
    assert.deepEqual([last?.what, last?.verdict, last?.text], [what, "fail", "so it is"]);
  }
  const bug = await rehearsed(({ client }) => {
    client.server("192.0.2.1:25").onVerify = () => Promise.reject(new Error("a bug"));
  });
  assert.deepEqual(verdicts(bug.found)["session"], "fail");
});

test("all primaries are asked at once, ten at most; a domain without any says why", async () => {
  const many = await rehearsed(({ directory, client }) => {
    const hosts = Array.from({ length: 12 }, (_, i) => `192.0.2.${i + 1}`);
    for (const host of hosts) client.server(`${host}:25`);
    directory.set(
      "a.test",
      hosts.map((host) => primaryAt(host, 25)),
    );
  });
  assert.deepEqual(
    many.found?.map(({ destination }) => destination),
    Array.from({ length: 10 }, (_, i) => `192.0.2.${i + 1}:25`),
  );
  const none = await rehearsed(({ directory, resolver }) => {
    directory.set("a.test", [{ host: "", port: 25, tls: "none", preference: 0, mx: true }]);
    resolver.exchangers.set("a.test", { kind: "failed", why: "SERVFAIL" });
  });
  const steps = [
    { what: "route", verdict: "fail", text: "the MX records of a.test could not be looked up: SERVFAIL" },
  ];
  assert.deepEqual(none.found, [{ destination: "", steps }]);
});

test("a primary that says nothing is told as that, not as one that took long", async () => {
  const { found } = await rehearsed(({ client }) => {
    client.server("192.0.2.1:25").onGreet = (patience) =>
      Promise.reject(new DestinationTrouble("greeting", `no greeting within ${patience} ms`));
  });
  const last = { what: "session", verdict: "fail", text: "no greeting within 15000 ms" };
  assert.deepEqual(found?.[0]?.steps.at(-1), last);
});

test("a primary that does not answer in time is given up, and its connection dropped", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt("192.0.2.1", 25)]);
  const server = bench.client.server("192.0.2.1:25");
  server.onVerify = () => new Promise(() => undefined);
  const delivery = await bench.start();
  const found = delivery.rehearse(REQUEST);
  await bench.pass(21_000, 500);
  assert.equal((await found)?.[0]?.steps.at(-1)?.text, "gave up after 20 s");
  assert.equal(server.open, 0);
});

test("a primary that greets with our own name is told as that, and asked for nothing", async () => {
  const { found, bench } = await rehearsed(({ client }) => {
    client.server("192.0.2.1:25").name = "MX2.test";
  });
  const last = found?.[0]?.steps.at(-1);
  assert.deepEqual([last?.what, last?.verdict], ["session", "fail"]);
  assert.match(last?.text ?? "", /greets as mx2\.test, our own name/);
  const server = bench.client.server("192.0.2.1:25");
  assert.deepEqual([server.asked, server.open], [[], 0]);
});

test("a domain that is not ours is not tested", async () => {
  const delivery = await deliveryBench().start();
  assert.equal(await delivery.rehearse({ ...REQUEST, domain: "b.test" }), undefined);
});
