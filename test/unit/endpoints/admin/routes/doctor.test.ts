import assert from "node:assert/strict";
import { test } from "node:test";
import { DiagnosisBody } from "../../../../../src/endpoints/admin/contract.ts";
import { TOPICS } from "../../../../../src/services/doctor/finding.ts";
import { FakeWorld } from "../../../../support/admin-fakes.ts";
import { operatorOf } from "../../../../support/admin-requests.ts";

test("the doctor's findings pass the contract, each topic of them", async () => {
  const world = new FakeWorld();
  world.findings.set(
    "",
    TOPICS.map((what) => ({ what, verdict: "warn", text: "not quite", record: "x. IN A 192.0.2.1" })),
  );
  const { status, json } = await operatorOf(world)("GET", "/v1/doctor");
  assert.equal(status, 200);
  const body = DiagnosisBody.parse(json);
  assert.deepEqual([body.ok, body.domain, body.findings.length], [true, undefined, TOPICS.length]);
});

test("a domain is in order while nothing fails; one that is not ours is unknown", async () => {
  const world = new FakeWorld();
  world.findings.set("example.com", [{ what: "mx", verdict: "fail", text: "no MX record" }]);
  const ask = operatorOf(world);
  const { json } = await ask("GET", "/v1/domains/Example.COM/doctor");
  assert.deepEqual([json.domain, json.ok], ["example.com", false]);
  const foreign = await ask("GET", "/v1/domains/foreign.example/doctor");
  assert.deepEqual([foreign.status, foreign.json.error.code], [404, "not_found"]);
});
