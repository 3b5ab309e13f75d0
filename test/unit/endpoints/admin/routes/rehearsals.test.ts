import assert from "node:assert/strict";
import { test } from "node:test";
import { RehearsalBody } from "../../../../../src/endpoints/admin/contract.ts";
import { ChannelClosed } from "../../../../../src/runtime/channel.ts";
import { FakeWorld } from "../../../../support/admin-fakes.ts";
import { operatorOf } from "../../../../support/admin-requests.ts";

test("a test session names a recipient of the list, or the one that was given", async () => {
  const world = new FakeWorld();
  const asked: string[] = [];
  world.rehearsal = (domain, known) => {
    asked.push(known);
    return [{ destination: "a:25", steps: [{ what: "known", verdict: "fail", text: `${domain} refuses` }] }];
  };
  const ask = operatorOf(world);
  const body = RehearsalBody.parse((await ask("POST", "/v1/domains/example.com/test")).json);
  assert.equal(body.ok, false);
  await ask("POST", "/v1/domains/example.com/test?recipient=Bob@Example.com");
  world.hits = [
    { pattern: "list-*", origin: "api" },
    { pattern: "carol", origin: "api" },
  ];
  await ask("POST", "/v1/domains/example.com/test");
  world.hits = [{ pattern: "list-*", origin: "api" }];
  await ask("POST", "/v1/domains/example.com/test");
  assert.deepEqual(asked, [
    "alice@example.com",
    "Bob@example.com",
    "carol@example.com",
    "postmaster@example.com",
  ]);
});

test("a test session with no step that fails is good, one that fails at any primary is not", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  const primary = (...verdicts: ("ok" | "warn" | "fail")[]) => ({
    destination: "a:25",
    steps: verdicts.map((verdict) => ({ what: "known" as const, verdict, text: "said" })),
  });
  for (const [primaries, ok] of [
    [[primary("ok", "warn"), primary("ok")], true],
    [[primary("ok"), primary("ok", "fail", "ok")], false],
  ] as const) {
    world.rehearsal = () => primaries;
    assert.equal((await ask("POST", "/v1/domains/example.com/test")).json.ok, ok);
  }
});

test("an address of another domain, and a domain that is not ours, are refused", async () => {
  const ask = operatorOf(new FakeWorld());
  const other = await ask("POST", "/v1/domains/example.com/test?recipient=bob@example.net");
  assert.deepEqual([other.status, other.json.error.code], [400, "bad_request"]);
  assert.equal((await ask("POST", "/v1/domains/foreign.example/test")).status, 404);
});

test("what is no address never reaches a primary, where it could be more than one command", async () => {
  const world = new FakeWorld();
  const asked: string[] = [];
  world.rehearsal = (_domain, known) => {
    asked.push(known);
    return [];
  };
  const ask = operatorOf(world);
  const test = (recipient: string): Promise<{ readonly status: number }> =>
    ask("POST", `/v1/domains/example.com/test?recipient=${encodeURIComponent(recipient)}`);
  for (const wrong of [
    "a>\r\nDATA\r\n<b@example.com",
    "a b@example.com",
    "@example.com",
    "a\u0000@example.com",
  ])
    assert.equal((await test(wrong)).status, 400, JSON.stringify(wrong));
  assert.deepEqual(asked, []);
  assert.equal((await test('"a b"@Example.COM')).status, 200);
  world.hits = [
    { pattern: "odd name", origin: "file" },
    { pattern: "plain", origin: "file" },
  ];
  await ask("POST", "/v1/domains/example.com/test");
  assert.deepEqual(asked, ['"a b"@example.com', "plain@example.com"]);
});

test("while deliveries start again, nobody is told that a domain of ours is none", async () => {
  const world = new FakeWorld();
  for (const none of [() => undefined, () => assert.fail(new ChannelClosed())]) {
    world.rehearsal = none;
    const { status, json } = await operatorOf(world)("POST", "/v1/domains/example.com/test");
    assert.deepEqual([status, json.error.code], [409, "conflict"]);
  }
  world.rehearsal = () => assert.fail(new Error("a defect"));
  assert.equal((await operatorOf(world)("POST", "/v1/domains/example.com/test")).status, 500);
});
