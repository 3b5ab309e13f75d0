import assert from "node:assert/strict";
import { test } from "node:test";
import { DomainBody, DomainList } from "../../../../../src/endpoints/admin/contract.ts";
import { ChannelClosed } from "../../../../../src/runtime/channel.ts";
import { FakeWorld } from "../../../../support/admin-fakes.ts";
import { operatorOf } from "../../../../support/admin-requests.ts";

test("domains are listed with what is held and how their primaries stand", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  const [first, second] = DomainList.parse((await ask("GET", "/v1/domains")).json).items;
  assert.deepEqual(
    [first?.name, first?.origin, first?.mail],
    ["example.com", "file", { waiting: 1, held: 1 }],
  );
  assert.equal(first?.primaries[0]?.state, "down");
  assert.deepEqual(second?.primaries, []);
  const [primary] = world.primaries;
  assert.ok(primary !== undefined);
  world.primaries.push({ ...primary, destination: "mx2.example.com:25", state: "up" });
  const both = DomainBody.parse((await ask("GET", "/v1/domains/example.com")).json);
  assert.deepEqual(
    both.primaries.map(({ state }) => state),
    ["down", "up"],
  );
  assert.equal(DomainBody.parse((await ask("GET", "/v1/domains/Example.COM.")).json).name, "example.com");
});

test("of a primary that serves other domains, a domain shows what concerns itself", async () => {
  const world = new FakeWorld();
  const [primary] = world.primaries;
  assert.ok(primary !== undefined);
  const names = ["example.com", "other.example"];
  const probation = names.map((domain) => ({ domain, state: "running", since: 1 }) as const);
  const shown = async (name: string) =>
    DomainBody.parse((await operatorOf(world)("GET", `/v1/domains/${name}`)).json).primaries[0];
  world.primaries = [{ ...primary, domains: names, probation, acceptAll: names }];
  for (const [at, name] of names.entries()) {
    const { domains, probation: own, acceptAll } = (await shown(name)) ?? {};
    assert.deepEqual([domains, own, acceptAll], [[name], [probation[at]], [name]]);
  }
  world.primaries = [
    { ...primary, domains: names, probation: probation.slice(1), acceptAll: ["other.example"] },
  ];
  assert.deepEqual(await shown("example.com"), { ...primary, domains: ["example.com"] });
});

test("a domain's checks are shown as they may be sent back", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  for (const thresholds of [{ reject: 3 }, { defer: 2 }]) {
    const dnsbl = { lists: [{ zone: "bl.example" }], defer: "off", ...thresholds };
    assert.equal((await ask("PATCH", "/v1/domains/other.example", { checks: { dnsbl } })).status, 200);
    const stored = world.domains.find(({ name }) => name === "other.example")?.settings;
    const { checks } = (await ask("GET", "/v1/domains/other.example")).json.settings;
    assert.deepEqual(checks.dnsbl.defer, dnsbl.defer);
    assert.equal((await ask("PATCH", "/v1/domains/other.example", { checks })).status, 200);
    assert.deepEqual(world.domains.find(({ name }) => name === "other.example")?.settings, stored);
  }
  await ask("PATCH", "/v1/domains/other.example", { checks: { dnsbl: "off" } });
  assert.equal((await ask("GET", "/v1/domains/other.example")).json.settings.checks.dnsbl, "off");
});

test("a domain says why it is not known how its primaries stand", async () => {
  const world = new FakeWorld();
  world.noPrimaries = "the delivery thread does not answer";
  const ask = operatorOf(world);
  const [listed] = DomainList.parse((await ask("GET", "/v1/domains")).json).items;
  const shown = DomainBody.parse((await ask("GET", "/v1/domains/example.com")).json);
  for (const domain of [listed, shown])
    assert.deepEqual([domain?.primaries, domain?.noPrimaries], [[], world.noPrimaries]);
});

test("a domain that is not ours is 404, what is no domain is 400", async () => {
  const ask = operatorOf(new FakeWorld());
  for (const [method, suffix] of [
    ["GET", ""],
    ["DELETE", ""],
    ["POST", "/pause"],
    ["POST", "/resume"],
    ["GET", "/recipients"],
  ] as const) {
    assert.equal((await ask(method, `/v1/domains/foreign.example${suffix}`)).status, 404);
    assert.equal((await ask(method, `/v1/domains/no_%20domain${suffix}`)).status, 400);
  }
});

test("a domain is added with the defaults of a backup, and told to the journal", async () => {
  const world = new FakeWorld();
  const body = {
    name: "New.example",
    primaries: [{ host: "Mail.New.example" }],
    recipients: ["Alice", "list-*"],
  };
  const answer = await operatorOf(world)("POST", "/v1/domains", body);
  assert.equal(answer.status, 201);
  const added = DomainBody.parse(answer.json);
  assert.equal(added.name, "new.example");
  assert.deepEqual(added.settings, {
    mode: "backup",
    primaries: [{ host: "mail.new.example", port: 25, tls: "opportunistic", preference: 10 }],
    catchAll: false,
    tagSeparator: "+",
    unknownDuringOutage: "reject",
    bareNewlines: "normalise",
  });
  // One change: between two, its users would be refused for good.
  assert.deepEqual([world.added[0]?.recipients, world.changes], [["alice", "list-*"], []]);
  assert.deepEqual(world.events.at(-1), {
    kind: "operator.acted",
    verb: "domain add",
    who: "socket",
    what: "new.example",
    count: 1,
  });
});

test("a domain that takes everything accepts unknown ones in an outage, unless it is told otherwise", async () => {
  const ask = operatorOf(new FakeWorld());
  const domain = { primaries: [{ host: "mail.x.example" }], catchAll: true };
  const all = DomainBody.parse((await ask("POST", "/v1/domains", { name: "x.example", ...domain })).json);
  assert.equal(all.settings.unknownDuringOutage, "accept");
  const told = { name: "y.example", ...domain, unknownDuringOutage: "defer" };
  const other = DomainBody.parse((await ask("POST", "/v1/domains", told)).json);
  assert.equal(other.settings.unknownDuringOutage, "defer");
});

test("a domain that could not be written is not told as added", async () => {
  const domain = { name: "x.example", primaries: [{ host: "mail.x.example" }], recipients: ["alice"] };
  const world = new FakeWorld();
  world.unwritable.set("addDomain", new Error("the disk is full"));
  const { status } = await operatorOf(world)("POST", "/v1/domains", domain);
  assert.deepEqual([status, world.events.length], [500, 0]);
});

test("what cannot be added is refused before anything changes", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  const primaries = [{ host: "mail.x.example" }];
  const cases: readonly (readonly [number, unknown])[] = [
    [409, { name: "example.com", primaries }],
    [400, { name: "not a domain", primaries }],
    [400, { name: "x.example" }],
    [400, { name: "x.example", primaries: [] }],
    [400, { name: "x.example", primaries: [{}] }],
    [400, { name: "x.example", primaries: [{ host: "a b" }] }],
    [400, { name: "x.example", primaries: [{ host: "a", mx: true }] }],
    [400, { name: "x.example", primaries: [{ host: "a", port: 70_000 }] }],
    [400, { name: "x.example", primaries, recipients: ["alice@other.example"] }],
    [400, { name: "x.example", primaries, mode: "relay" }],
  ];
  for (const [status, body] of cases)
    assert.equal((await ask("POST", "/v1/domains", body)).status, status, JSON.stringify(body));
  assert.equal(world.domains.length, 2);
});

test("the domain's own MX may be its primary", async () => {
  const answer = await operatorOf(new FakeWorld())("POST", "/v1/domains", {
    name: "x.example",
    primaries: [{ mx: true }],
  });
  assert.deepEqual([answer.status, answer.json.settings.primaries[0].mx], [201, true]);
});

test("a declared domain is removed in its file, one from the API here", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  const declared = await ask("DELETE", "/v1/domains/example.com");
  assert.deepEqual([declared.status, declared.json.error.code], [409, "conflict"]);
  assert.match(declared.json.error.hint, /holdfast reload/);
  assert.equal(world.events.length, 0);
  assert.deepEqual((await ask("DELETE", "/v1/domains/other.example")).json, { result: "removed" });
  assert.deepEqual(
    world.events.map((event) => event.kind === "operator.acted" && [event.verb, event.what]),
    [["domain remove", "other.example"]],
  );
});

test("the tokens of a removed domain fail from the next request on, and others do not", async () => {
  const world = new FakeWorld();
  const { secret: other = "" } = (await world.tokens.create("other", "other.example")) ?? {};
  const { secret: all = "" } = (await world.tokens.create("all")) ?? {};
  assert.equal((await world.tokens.verify(other))?.name, "other");
  await operatorOf(world)("DELETE", "/v1/domains/other.example");
  assert.equal(await world.tokens.verify(other), undefined);
  assert.equal((await world.tokens.verify(all))?.name, "all");
});

test("the contract knows all that is told of a domain and its primaries", async () => {
  const world = new FakeWorld();
  const [primary] = world.primaries;
  assert.ok(primary !== undefined);
  const slow = { since: 3, why: "slow" };
  world.primaries = [{ ...primary, awaySince: 1, lastProbe: 2, slow, acceptAll: ["example.com"] }];
  const { json } = await operatorOf(world)("GET", "/v1/domains/example.com");
  assert.deepEqual(DomainBody.parse(json), json);
});

test("deliveries pause and go on", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  const shown = async () => {
    const { paused, pausedUntil } = DomainBody.parse((await ask("GET", "/v1/domains/example.com")).json);
    return [paused, pausedUntil];
  };
  assert.deepEqual((await ask("POST", "/v1/domains/example.com/pause")).json, {
    name: "example.com",
    paused: true,
  });
  assert.deepEqual(await shown(), [true, undefined]);
  const until = world.clock.now() + 60_000;
  assert.equal((await ask("POST", `/v1/domains/example.com/pause?until=${until}`)).json.until, until);
  assert.deepEqual(await shown(), [true, until]);
  const over = await ask("POST", `/v1/domains/example.com/pause?until=${world.clock.now()}`);
  assert.deepEqual([over.status, over.json.error.message], [400, "until: that time is over"]);
  assert.equal((await ask("POST", "/v1/domains/example.com/pause?until=soon")).status, 400);
  for (const far of [253_402_300_800_000, Number.MAX_SAFE_INTEGER, 8.64e16]) {
    const { status, json } = await ask("POST", `/v1/domains/example.com/pause?until=${far}`);
    assert.equal(status, 400);
    assert.match(json.error.message, /^until: is after the year 9999; /);
  }
  assert.deepEqual((await ask("POST", "/v1/domains/example.com/resume")).json, {
    name: "example.com",
    paused: false,
  });
  assert.deepEqual(await shown(), [false, undefined]);
  assert.deepEqual(world.resumed, ["example.com"], "a probation ends, too");
  assert.deepEqual(
    world.events.map((event) => event.kind === "operator.acted" && [event.verb, event.what]),
    ["domain pause", "domain pause", "domain resume"].map((verb) => [verb, "example.com"]),
  );
});

test("who resumes a domain while nobody can end its probation is told so", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  for (const resume of [async () => false, () => Promise.reject(new ChannelClosed())]) {
    await ask("POST", "/v1/domains/example.com/pause");
    world.resume = resume;
    const { status, json } = await ask("POST", "/v1/domains/example.com/resume");
    assert.deepEqual([status, json.error?.code], [409, "conflict"]);
    assert.match(json.error.message, /^deliveries are starting again: a probation may go on/);
    assert.equal((await ask("GET", "/v1/domains/example.com")).json.paused, false);
  }
  world.resume = () => Promise.reject(new Error("a bug"));
  assert.equal((await ask("POST", "/v1/domains/example.com/resume")).status, 500);
});

test("where no body is read, one that says something is refused and does nothing", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  for (const path of [
    "/v1/domains/example.com/pause",
    "/v1/domains/example.com/resume",
    "/v1/domains/example.com/test",
    "/v1/reload",
  ]) {
    const { status, json } = await ask("POST", path, { until: world.clock.now() + 60_000 });
    assert.deepEqual([status, json.error?.message], [400, '"until" is not known here'], path);
    assert.equal((await ask("POST", path, "until=5")).status, 400, path);
  }
  assert.equal(world.domains[0]?.paused, false);
  for (const nothing of ["", " \n", {}])
    assert.equal((await ask("POST", "/v1/domains/example.com/pause", nothing)).status, 200);
});

test("a domain may ask its primary, though not where every address exists; what it fetches is shown", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  const body = { name: "asks.example", primaries: [{ host: "m.example" }], callout: true };
  const added = DomainBody.parse((await ask("POST", "/v1/domains", body)).json);
  assert.equal(added.settings.callout, true);
  assert.equal(added.settings.unknownDuringOutage, "accept");
  const both = await ask("POST", "/v1/domains", { ...body, name: "b.example", catchAll: true });
  assert.equal(both.status, 400);
  assert.match(JSON.stringify(both.json), /callout: with `catchAll` every address exists/);
  for (const wrong of [{ callout: "yes" }, { fetched: { url: "https://x.example/" } }, { url: "https://x" }])
    assert.equal((await ask("POST", "/v1/domains", { ...body, name: "c.example", ...wrong })).status, 400);
  const url = "https://lists.example/a";
  world.fetched.set("example.com", { url, error: "it answered 500", failedAt: 1 });
  const shown = DomainBody.parse((await ask("GET", "/v1/domains/example.com")).json);
  assert.equal(shown.fetched?.error, "it answered 500");
});

test("what ails a domain is shown with it, and with no other", async () => {
  const world = new FakeWorld();
  world.domains = world.domains.map((domain) =>
    domain.name === "other.example" ? domain : { ...domain, list: 1, draining: true },
  );
  world.refusing = ["example.com"];
  world.fileTroubles.set("example.com", "users.txt is not there");
  world.status = { ...world.status, notices: "direct" };
  const { items } = DomainList.parse((await operatorOf(world)("GET", "/v1/domains")).json);
  assert.deepEqual(
    items.map(({ declaredList, refusing, fileTrouble, draining, notices }) => [
      declaredList,
      refusing,
      fileTrouble,
      draining,
      notices,
    ]),
    [
      [true, true, "users.txt is not there", true, "direct"],
      [false, false, undefined, false, "direct"],
    ],
  );
});
