import assert from "node:assert/strict";
import { test } from "node:test";
import { DomainBody } from "../../../../src/endpoints/admin/contract.ts";
import { FakeWorld } from "../../../support/admin-fakes.ts";
import { operatorOf, type Answer } from "../../../support/admin-requests.ts";
import { fits, toolWorld } from "../../../support/tool-bench.ts";

function add(world: FakeWorld, checks: unknown, more: object = {}): Promise<Answer> {
  const domain = { name: "new.example", primaries: [{ host: "mail.new.example" }], checks, ...more };
  return operatorOf(world)("POST", "/v1/domains", domain);
}

test("a domain of the API has checks of its own, with the defaults of the configuration", async () => {
  const world = new FakeWorld();
  const answer = await add(world, {
    dnsbl: { lists: [{ zone: "Zen.Example." }], reject: 2 },
    greylist: {},
    reachability: { delay: 60_000 },
    helo: "reject",
    spf: "off",
    dkim: "tag",
    dmarc: "quarantine",
  });
  assert.equal(answer.status, 201, answer.text);
  const expected = {
    dnsbl: { lists: [{ zone: "zen.example", codes: ["127.*.*.*"], weight: 1 }], defer: 1, reject: 2 },
    greylist: { delay: 60_000, action: "defer" },
    reachability: { delay: 60_000, remember: 86_400_000, action: "defer" },
    helo: "reject",
    spf: "off",
    dkim: "tag",
    dmarc: "quarantine",
  };
  assert.deepEqual(world.domains.at(-1)?.settings.checks, expected);
  assert.deepEqual(DomainBody.parse(answer.json).settings.checks, expected);
});

test("a threshold is switched off by its word, and what is shown may be sent back", async () => {
  const world = new FakeWorld();
  const lists = [{ zone: "zen.example" }];
  const added = await add(world, { dnsbl: { lists, tag: 1, defer: "off", reject: "off" } });
  assert.equal(added.status, 201, added.text);
  const stored = { lists: [{ zone: "zen.example", codes: ["127.*.*.*"], weight: 1 }], tag: 1 };
  assert.deepEqual(world.domains.at(-1)?.settings.checks, { dnsbl: stored });
  const { checks } = added.json.settings;
  assert.deepEqual(checks, { dnsbl: { ...stored, defer: "off" } });
  const again = await operatorOf(world)("PATCH", "/v1/domains/new.example", { checks });
  assert.equal(again.status, 200, again.text);
  assert.deepEqual(world.domains.at(-1)?.settings.checks, { dnsbl: stored });
});

test("each mistake in them has its sentence", async () => {
  const list = (text: object): object => ({ dnsbl: { lists: [{ zone: "a.b", ...text }] } });
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [list({ zone: "http://zen.example" }), /^checks.dnsbl.*is a URL; write the DNS zone/],
    [list({ zone: "no zone" }), /is not a DNS zone/],
    [list({ zone: "127.0.0.1" }), /is not a DNS zone/],
    [list({ zone: `${"a.".repeat(100)}b` }), /too long/],
    [list({ codes: ["10.0.0.1"] }), /"10.0.0.1" is outside 127.0.0.0\/8; write a code/],
    [list({ codes: ["127.255.255.254"] }), /is how a list refuses a query/],
    [list({ codes: ["127.0.0"] }), /is not a code/],
    [list({ codes: [] }), /^checks.dnsbl/],
    [list({ weight: 101 }), /^checks.dnsbl/],
    [list({ action: "drop" }), /^checks.dnsbl/],
    [{ dnsbl: { lists: [{ zone: "a.b" }, { zone: "A.b" }] } }, /a zone is listed twice/],
    [{ dnsbl: { lists: [], defer: 1 } }, /^checks.dnsbl/],
    [{ dnsbl: { lists: [{ zone: "a.b" }], defer: 0 } }, /^checks.dnsbl/],
    [{ dnsbl: "on" }, /^checks.dnsbl/],
    [{ greylist: { delay: 1 } }, /^checks.greylist/],
    [{ greylist: { action: "reject" } }, /^checks.greylist/],
    [{ reachability: { remember: 1 } }, /^checks.reachability/],
    [{ helo: "on" }, /^checks.helo/],
    [{ clientName: "look" }, /^checks.clientName/],
    [{ clamav: "off" }, /clamav/],
  ];
  for (const [checks, expected] of cases) {
    const { status, json } = await add(new FakeWorld(), checks);
    assert.equal(status, 400, JSON.stringify(checks));
    assert.match(json.error.message, expected);
  }
  const reflector = await add(new FakeWorld(), { reachability: {} }, { mode: "reflector" });
  assert.deepEqual([reflector.status, /only MX/.test(reflector.json.error.message)], [400, true]);
});

test("the tool sets them in words and shows them", async () => {
  await using tool = await toolWorld();
  const words = [
    "--primary",
    "mail.new.example",
    "--catch-all",
    "--check",
    "helo=defer",
    "--check",
    "greylist=on",
  ];
  const added = await tool.run(["domain", "add", "new.example", ...words]);
  assert.equal(added.code, 0, added.stderr);
  const { stdout } = await tool.run(["domain", "show", "new.example"]);
  assert.match(stdout, /^Checks: +greylist on, helo defer$/m);
  fits(stdout);
  for (const check of ["helo", "halo=defer", "helo=de fer"]) {
    const wrong = await tool.run(["domain", "add", "x.example", "--mx", "--check", check]);
    assert.deepEqual([wrong.code, /--check takes NAME=WHAT/.test(wrong.stderr)], [2, true], check);
  }
  const judged = await tool.run(["domain", "add", "x.example", "--mx", "--check", "helo=drop"]);
  assert.deepEqual([judged.code, /checks\.helo/.test(judged.stderr)], [2, true]);
});
