import assert from "node:assert/strict";
import { test } from "node:test";
import type { Primary } from "../../../../../src/ports/directory.ts";
import { findDsnRoute } from "../../../../../src/services/delivery/dsn/dsn-route.ts";
import { deliveryBench } from "../../../../support/delivery-bench.ts";
import { primaryAt } from "../../../../support/fake-directory.ts";

const PRIMARY = primaryAt("192.0.2.7", 2525);

async function routeTo(primary: Primary, paused = false): Promise<string> {
  const { resolver, directory } = deliveryBench();
  const ours = [{ preference: 10, host: "mx2.test" }];
  for (const name of ["ours.test", "theirs.test"])
    resolver.exchangers.set(name, { kind: "found", records: ours });
  directory.set("ours.test", [primary], { paused });
  const parts = { resolver, directory, hostname: "mx2.test" };
  const ways = ["ours.test", "theirs.test"].map(async (domain) => {
    const found = await findDsnRoute(`ann@${domain}`, { kind: "direct" }, parts);
    return found.kind === "hosts" ? found.destinations.map(({ host }) => host).join() : found.outcome.kind;
  });
  return (await Promise.all(ways)).join(" ");
}

test("a notice to a domain of ours waits like its mail where its MX records lead to nobody else", async () => {
  assert.equal(await routeTo(PRIMARY), "192.0.2.7 refused");
  assert.equal(await routeTo(primaryAt("", 25, { mx: true })), "deferred refused");
});

test("a notice to a domain of ours waits like its mail while that is paused", async () => {
  assert.equal(await routeTo(PRIMARY, true), "deferred refused");
});

test("the domain of an address stands behind its last at sign", async () => {
  const { resolver, directory } = deliveryBench();
  directory.set("ours.test", [PRIMARY]);
  const parts = { resolver, directory, hostname: "mx2.test" };
  const found = await findDsnRoute('"ann@theirs.test"@ours.test', { kind: "direct" }, parts);
  assert.deepEqual(found.kind === "hosts" && found.destinations.map(({ host }) => host), ["192.0.2.7"]);
});

test("a notice that was claimed before its route was switched off is given back", async () => {
  const { resolver, directory } = deliveryBench();
  const parts = { resolver, directory, hostname: "mx2.test" };
  const found = await findDsnRoute("ann@theirs.test", { kind: "off" }, parts);
  assert.deepEqual(found, { kind: "nowhere", outcome: { kind: "released" } });
});
