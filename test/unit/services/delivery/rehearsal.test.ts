import assert from "node:assert/strict";
import { test } from "node:test";
import type { PrimaryRehearsal } from "../../../../src/ports/rehearsal.ts";
import { DestinationTrouble } from "../../../../src/ports/smtp-client.ts";
import { deliveryBench } from "../../../support/delivery-bench.ts";
import { primaryAt } from "../../../support/fake-directory.ts";

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

test("a domain that is not ours is not tested", async () => {
  const delivery = await deliveryBench().start();
  assert.equal(await delivery.rehearse({ ...REQUEST, domain: "b.test" }), undefined);
});
