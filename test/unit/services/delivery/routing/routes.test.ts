import assert from "node:assert/strict";
import { test } from "node:test";
import { findRoute } from "../../../../../src/services/delivery/routing/routes.ts";
import { deliveryBench } from "../../../../support/delivery-bench.ts";
import { primaryAt } from "../../../../support/fake-directory.ts";

test("our own MX record is known in whatever case our name is configured", async () => {
  const { directory, resolver } = deliveryBench();
  directory.set("a.test", [primaryAt("", 25, { mx: true })]);
  const records = [{ preference: 10, host: "mx2.test" }];
  resolver.exchangers.set("a.test", { kind: "found", records });
  const record = directory.domain("a.test") ?? assert.fail("no such domain");
  const route = await findRoute(record, { resolver, hostname: "MX2.test" });
  assert.equal(route.kind, "loop");
});
