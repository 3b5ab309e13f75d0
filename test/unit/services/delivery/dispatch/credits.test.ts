/** When fresh mail is claimed in the commit that accepts it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deliveryBench } from "../../../../support/delivery-bench.ts";
import { primaryAt } from "../../../../support/fake-directory.ts";
import { allOf, DELIVERED } from "../../../../support/fake-smtp-client.ts";

const MINUTE = 60_000;

function oneDomain() {
  const bench = deliveryBench();
  const primaries = [primaryAt("192.0.2.1", 25), primaryAt("192.0.2.2", 25, { preference: 10 })];
  bench.directory.set("a.test", primaries);
  bench.directory.listed.set("alice", "alice");
  const [better, lesser] = [bench.client.server("192.0.2.1:25"), bench.client.server("192.0.2.2:25")];
  const credits = () => bench.store.grants.get("a.test") ?? 0;
  const arrive = () => bench.store.accept({ domain: "a.test", recipients: ["alice@a.test"] });
  return { ...bench, better, lesser, credits, arrive };
}

test("a domain in probation has none at that primary, and has them at a lesser one while the better has stopped", async () => {
  const { better, lesser, credits, arrive, ...bench } = oneDomain();
  for (const server of [better, lesser]) server.down = true;
  better.onMail = (mail) => allOf(mail, { kind: "refused", reply: { code: 550, text: "no such user" } });
  await bench.start({}, "all domains");
  await bench.pass(MINUTE, 1000);
  lesser.down = false;
  await bench.pass(20_000, 1000);
  arrive();
  await bench.pass(10 * MINUTE, 1000);
  better.down = false;
  await bench.pass(20_000, 1000);
  assert.equal(credits(), 0, "the first mail decides");
  arrive();
  await bench.pass(1000);
  assert.equal(bench.journal.of("probation.stopped").length, 1);
  assert.ok(credits() > 0, "for the lesser one");
  better.onMail = (mail) => allOf(mail, DELIVERED);
  await bench.pass(5 * MINUTE, 1000);
  arrive();
  await bench.pass(1000);
  assert.equal(credits(), 0, "the better one is being proven");
  for (let i = 0; i < 25; i++) {
    arrive();
    await bench.pass(100);
  }
  assert.equal(bench.journal.of("probation.passed").length, 2);
  assert.ok(credits() > 0, "for the better one");
  assert.deepEqual([better.mails.length, lesser.mails.length], [27, 2]);
});
