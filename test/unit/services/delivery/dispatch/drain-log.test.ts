import assert from "node:assert/strict";
import { test } from "node:test";
import { deliveryBench } from "../../../../support/delivery-bench.ts";
import { primaryAt } from "../../../../support/fake-directory.ts";
import { allOf, DELIVERED } from "../../../../support/fake-smtp-client.ts";

const MINUTE = 60_000;

test("a primary that returned has drained when nothing is left, whoever took the last mail", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt("192.0.2.1", 25), primaryAt("192.0.2.2", 25, { preference: 10 })]);
  bench.directory.listed.set("alice", "alice");
  const [better, lesser] = [bench.client.server("192.0.2.1:25"), bench.client.server("192.0.2.2:25")];
  const refused = { kind: "refused", reply: { code: 550, text: "no such user" } } as const;
  better.onMail = (mail) => allOf(mail, refused);
  for (const server of [better, lesser]) server.down = true;
  await bench.start({}, "all domains");
  const arrive = () => bench.store.accept({ domain: "a.test", recipients: ["alice@a.test"] });
  for (let i = 0; i < 20; i++) arrive();
  await bench.pass(10 * MINUTE, 1000);
  better.down = false;
  await bench.pass(5000);
  lesser.down = false;
  await bench.pass(5000);
  assert.deepEqual(bench.store.count(), { gone: 20 });
  assert.deepEqual(
    bench.journal.of("primary.drained").map(({ destination, delivered }) => [destination, delivered]),
    [
      ["192.0.2.1:25", 0],
      ["192.0.2.2:25", 20],
    ],
  );
  better.onMail = (mail) => allOf(mail, DELIVERED);
  await bench.pass(24 * 60 * MINUTE, 60_000);
  arrive();
  await bench.pass(5000);
  assert.equal(better.mails.length, 2);
  assert.equal(bench.journal.of("primary.drained").length, 2, "not that it took a day");
});
