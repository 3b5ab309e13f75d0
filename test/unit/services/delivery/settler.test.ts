import assert from "node:assert/strict";
import { test } from "node:test";
import { DELIVERED, allOf } from "../../../support/fake-smtp-client.ts";
import { deliveryBench } from "../../../support/delivery-bench.ts";
import { primaryAt } from "../../../support/fake-directory.ts";

test("what a primary took while the store was sick is settled once the store is well, and is not sent twice", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt("192.0.2.5", 25)]);
  const server = bench.client.server("192.0.2.5:25");
  let sent = 0;
  server.onMail = (mail) => {
    sent += 1;
    // The disk fails between the claim and the primary's last word.
    bench.store.failure = new Error("the store is out of order");
    bench.store.condition("sick");
    return allOf(mail, DELIVERED);
  };
  bench.store.put({ domain: "a.test" });
  await bench.start();
  await bench.pass(30_000, 500);
  assert.deepEqual(bench.store.count(), { claimed: 1 });
  assert.equal(bench.journal.of("mail.delivered").length, 0, "nothing is said before it is written");

  bench.store.failure = undefined;
  bench.store.condition("ok");
  await bench.pass(3000);
  assert.deepEqual(bench.store.count(), { gone: 1 });
  assert.equal(bench.store.settled.at(-1)?.hash, "digest of mail-1");
  assert.equal(sent, 1);
  assert.equal(bench.journal.of("mail.delivered").length, 1);
});
