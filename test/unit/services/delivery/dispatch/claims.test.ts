import assert from "node:assert/strict";
import { test } from "node:test";
import { deliveryBench } from "../../../../support/delivery-bench.ts";
import { primaryAt } from "../../../../support/fake-directory.ts";
import { allOf, DELIVERED } from "../../../../support/fake-smtp-client.ts";

test("a domain does not wait until a larger one at the same primary has no more mail", async () => {
  const bench = deliveryBench();
  const server = bench.client.server("192.0.2.5:25");
  let sent = 0;
  server.onMail = async (mail) => {
    // Not all at the same time, so that there is never room for both domains at once.
    const took = 60 + ((sent++ * 37) % 80);
    await new Promise<void>((resolve) => bench.clock.after(took, resolve));
    return allOf(mail, DELIVERED);
  };
  for (const domain of ["a.test", "b.test"]) bench.directory.set(domain, [primaryAt("192.0.2.5", 25)]);
  for (let i = 0; i < 400; i++) bench.store.put({ domain: "a.test" });
  for (let i = 0; i < 60; i++) bench.store.put({ domain: "b.test" });
  await bench.start({}, "all domains");
  await bench.pass(20_000, 20);
  const domains = server.mails.map(({ domain }) => domain);
  assert.equal(domains.length, 460);
  assert.ok(
    domains.lastIndexOf("b.test") < 200,
    `the last of 60 was number ${domains.lastIndexOf("b.test")}`,
  );
});
