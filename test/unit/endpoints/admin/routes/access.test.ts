import assert from "node:assert/strict";
import { test } from "node:test";
import { RuleBody, RuleList } from "../../../../../src/endpoints/admin/contract.ts";
import { FakeWorld } from "../../../../support/admin-fakes.ts";
import { operatorOf, strangerOf } from "../../../../support/admin-requests.ts";

test("rules are added, listed before those of the file, and removed", async () => {
  const world = new FakeWorld();
  world.declaredRules = [{ action: "allow", network: "10.0.0.0/8" }];
  const ask = operatorOf(world);
  const answer = await ask("POST", "/v1/access", { action: "block", sender: "@Junk.example", note: "flood" });
  assert.equal(answer.status, 201);
  const rule = RuleBody.parse(answer.json);
  assert.deepEqual([rule.sender, rule.origin, rule.who], ["@junk.example", "api", "socket"]);
  const { items } = RuleList.parse((await ask("GET", "/v1/access")).json);
  assert.deepEqual(
    items.map(({ origin }) => origin),
    ["api", "file"],
  );
  assert.equal((await ask("DELETE", `/v1/access/${rule.id}`)).status, 204);
  assert.equal((await ask("DELETE", `/v1/access/${rule.id}`)).status, 404);
  assert.deepEqual(
    world.events.map((event) => "verb" in event && event.verb),
    ["access add", "access remove"],
  );
});

test("a confined token has the rules of its domain and no others", async () => {
  const world = new FakeWorld();
  const secret = (await world.tokens.create("sync", "example.com"))?.secret ?? "";
  const ask = strangerOf(world, secret);
  const other = await operatorOf(world)("POST", "/v1/access", { action: "block", helo: "x.example" });
  const own = await ask("POST", "/v1/access", { action: "block", helo: "x.example" });
  assert.equal(own.json.domain, "example.com");
  const list = RuleList.parse((await ask("GET", "/v1/access")).json);
  assert.deepEqual(
    list.items.map(({ id }) => id),
    [own.json.id],
  );
  const everything = RuleList.parse((await operatorOf(world)("GET", "/v1/access")).json);
  assert.deepEqual(
    everything.items.map(({ id }) => id),
    [own.json.id, other.json.id],
  );
  const foreign = { action: "block", helo: "x.example", domain: "other.example" };
  assert.equal((await ask("POST", "/v1/access", foreign)).status, 403);
  assert.equal((await ask("DELETE", `/v1/access/${other.json.id}`)).status, 404);
  assert.equal((await ask("DELETE", `/v1/access/${own.json.id}`)).status, 204);
});

test("a rule for a domain that is none of ours would never count, and is refused", async () => {
  const ask = operatorOf(new FakeWorld());
  const rule = { action: "block", helo: "x.example", domain: "exmaple.com" };
  const { status, json } = await ask("POST", "/v1/access", rule);
  assert.deepEqual([status, json.error.message], [404, "exmaple.com is not one of our domains"]);
  assert.equal((await ask("POST", "/v1/access", { ...rule, domain: "Example.com" })).status, 201);
});

test("a rule for a recipient that is none of ours would never count, and is refused", async () => {
  const ask = operatorOf(new FakeWorld());
  for (const recipient of ["bob@exmaple.com", "@exmaple.com"]) {
    const { status, json } = await ask("POST", "/v1/access", { action: "block", recipient });
    assert.deepEqual([status, json.error?.message], [404, "exmaple.com is not one of our domains"]);
  }
  const recipient = "bob@other.example";
  const { status, json } = await ask("POST", "/v1/access", {
    action: "block",
    recipient,
    domain: "example.com",
  });
  assert.deepEqual(
    [status, json.error?.message],
    [400, 'recipient: "bob@other.example" is not in example.com'],
  );
  assert.equal((await ask("POST", "/v1/access", { action: "block", recipient })).status, 201);
  assert.equal((await ask("POST", "/v1/access", { action: "block", recipient: "@Example.COM" })).status, 201);
});

test("a confined token names recipients of its domain only", async () => {
  const world = new FakeWorld();
  const secret = (await world.tokens.create("sync", "example.com"))?.secret ?? "";
  const ask = strangerOf(world, secret);
  const rule = { action: "block", recipient: "bob@other.example" };
  const { status, json } = await ask("POST", "/v1/access", rule);
  assert.deepEqual(
    [status, json.error?.message],
    [400, 'recipient: "bob@other.example" is not in example.com'],
  );
  assert.equal(
    (await ask("POST", "/v1/access", { action: "block", recipient: "bob@example.com" })).status,
    201,
  );
});

test("a rule for every address is refused unless it names something else, too", async () => {
  const ask = operatorOf(new FakeWorld());
  for (const [network, family] of [
    ["0.0.0.0/0", "IPv4"],
    ["::/0", "IPv6"],
  ]) {
    for (const domain of [undefined, "example.com"]) {
      const { status, json } = await ask("POST", "/v1/access", { action: "block", network, domain });
      assert.deepEqual([status, json.error?.message], [400, `the rule fits every ${family} client`]);
    }
    const narrow = { action: "block", network, sender: "@junk.example" };
    assert.equal((await ask("POST", "/v1/access", narrow)).status, 201);
  }
});

test("a rule keeps all that it was given, its note without control characters, and the journal has what it fits", async () => {
  const world = new FakeWorld();
  const until = world.clock.now() + 1;
  const rule = {
    action: "allow",
    network: "192.0.2.0/24",
    recipient: "alice@example.com",
    domain: "example.com",
    until,
  };
  const { json } = await operatorOf(world)("POST", "/v1/access", { ...rule, note: "a\u001b[31m\nb" });
  assert.deepEqual(world.storedRules[0]?.rule, { ...rule, note: "a [31m b" });
  assert.equal(json.createdAt, world.clock.now());
  const acts = world.events.flatMap((event) => (event.kind === "operator.acted" ? [event.what] : []));
  assert.deepEqual(acts, ["allow 192.0.2.0/24 alice@example.com"]);
  const now = { action: "block", helo: "x.example", until: world.clock.now() };
  assert.equal((await operatorOf(world)("POST", "/v1/access", now)).status, 400);
});

test("of rules there are 10,000 at most", async () => {
  const world = new FakeWorld();
  const rule = { action: "block", helo: "x.example" } as const;
  const many = Array.from({ length: 9999 }, (_, i) => ({ id: `r${i}`, rule, createdAt: 1, who: "socket" }));
  world.storedRules.push(...many);
  await world.rules.load();
  const ask = operatorOf(world);
  assert.equal((await ask("POST", "/v1/access", rule)).status, 201);
  const { status, json } = await ask("POST", "/v1/access", rule);
  assert.deepEqual([status, json.error.message], [409, "there are 10000 rules already"]);
  assert.equal(world.storedRules.length, 10_000);
});

test("a confined token leaves room for the rules of others", async () => {
  const world = new FakeWorld();
  const rule = { action: "block", helo: "x.example", domain: "example.com" } as const;
  for (let n = 0; n < 1000; n++)
    world.storedRules.push({ id: `r${n}`, rule, createdAt: 1, who: n % 2 === 0 ? "sync" : "socket" });
  await world.rules.load();
  const secret = (await world.tokens.create("sync", "example.com"))?.secret ?? "";
  const { status, json } = await strangerOf(world, secret)("POST", "/v1/access", rule);
  assert.deepEqual([status, json.error?.message], [409, "example.com has 1000 rules already"]);
  assert.equal((await operatorOf(world)("POST", "/v1/access", rule)).status, 201);
  const neighbour = (await world.tokens.create("other", "other.example"))?.secret ?? "";
  const own = { ...rule, domain: "other.example" };
  assert.equal((await strangerOf(world, neighbour)("POST", "/v1/access", own)).status, 201);
});

test("a token of a removed domain adds no rule, which would await the next owner of the domain", async () => {
  const world = new FakeWorld();
  const secret = (await world.tokens.create("sync", "other.example"))?.secret ?? "";
  world.domains = world.domains.filter(({ name }) => name !== "other.example");
  const rule = { action: "block", helo: "x.example" };
  const { status, json } = await strangerOf(world, secret)("POST", "/v1/access", rule);
  assert.deepEqual([status, json.error?.message], [404, "other.example is not one of our domains"]);
  assert.deepEqual(world.storedRules, []);
});

test("each mistake in a rule has its sentence", async () => {
  const ask = operatorOf(new FakeWorld());
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ action: "stop", helo: "x" }, /^action: /],
    [{ action: "block" }, /matches every client/],
    [
      { action: "block", network: "192.0.2.1/24" },
      /^network: "192.0.2.1\/24" has bits set beyond its prefix length/,
    ],
    [{ action: "block", network: "192.0.2.0/33" }, /^network: "192.0.2.0\/33" has a prefix length above 32/],
    [{ action: "block", network: "example.com" }, /^network: "example.com" is not a network/],
    [{ action: "block", network: "" }, /^network: /],
    [{ action: "block", helo: "a b" }, /^helo: "a b" is not a name/],
    [{ action: "block", sender: "nobody" }, /^sender: "nobody" is not an address/],
    [{ action: "block", recipient: "<>" }, /^recipient: "<>" is not an address/],
    [{ action: "block", helo: "x.example", until: 5 }, /^until: this time is over/],
    [{ action: "block", helo: "x.example", until: "soon" }, /^until: /],
    [{ action: "block", helo: "x.example", until: 253_402_300_800_000 }, /^until: is after the year 9999; /],
    [{ action: "block", helo: "x.example", until: 8.64e16 }, /^until: is after the year 9999; /],
    [{ action: "block", helo: "x.example", domain: "a b" }, /^"a b" is not a domain name/],
    [{ action: "block", helo: "x.example", hello: 1 }, /hello/],
    [{ action: "block", helo: "x.example", note: "x".repeat(201) }, /^note: /],
  ];
  for (const [body, expected] of cases) {
    const { status, json } = await ask("POST", "/v1/access", body);
    assert.equal(status, 400, JSON.stringify(body));
    assert.match(json.error.message, expected);
  }
});
