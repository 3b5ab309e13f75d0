import assert from "node:assert/strict";
import { test } from "node:test";
import { buildApplication } from "../../../../../src/endpoints/admin/application.ts";
import { trustSocket } from "../../../../../src/endpoints/admin/authenticate.ts";
import { DomainBody, type ErrorBody } from "../../../../../src/endpoints/admin/contract.ts";
import { FakeWorld } from "../../../../support/admin-fakes.ts";
import { operatorOf } from "../../../../support/admin-requests.ts";

const NAME = "moved.example";

async function withDomain() {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  const body = { name: NAME, primaries: [{ host: "old.example" }], quota: { messages: 10 } };
  assert.equal((await ask("POST", "/v1/domains", body)).status, 201);
  const change = async (what: unknown) => {
    const answer = await ask("PATCH", `/v1/domains/${NAME}`, what);
    assert.equal(answer.status, 200, answer.text);
    return DomainBody.parse(answer.json).settings;
  };
  return { world, ask, change };
}

test("a domain of the API is changed: what is absent stays, null takes away", async () => {
  const { world, change } = await withDomain();
  const moved = await change({ primaries: [{ host: "New.example", port: 2525 }] });
  assert.deepEqual(moved.primaries, [
    { host: "new.example", port: 2525, tls: "opportunistic", preference: 10 },
  ]);
  assert.deepEqual([moved.quota, moved.mode, moved.tagSeparator], [{ messages: 10 }, "backup", "+"]);
  assert.deepEqual((await change({ checks: { helo: "defer" } })).checks, { helo: "defer" });
  const bare = await change({ quota: null, checks: null });
  assert.deepEqual([bare.quota, bare.checks], [undefined, undefined]);
  assert.deepEqual(world.events.at(-1), {
    kind: "operator.acted",
    verb: "domain change",
    who: "socket",
    what: NAME,
    count: 1,
  });
});

test("who begins to ask the primary accepts unknown ones in an outage, unless it is told otherwise", async () => {
  const { change } = await withDomain();
  assert.equal((await change({ mode: "reflector" })).unknownDuringOutage, "reject");
  assert.equal((await change({ callout: true })).unknownDuringOutage, "accept");
  assert.equal((await change({ callout: true, unknownDuringOutage: "defer" })).unknownDuringOutage, "defer");
  assert.equal((await change({ quota: null })).unknownDuringOutage, "defer", "it was not asked to change");
  assert.equal((await change({ callout: false, catchAll: true })).unknownDuringOutage, "accept");
  assert.equal((await change({ catchAll: false })).unknownDuringOutage, "reject");
});

test("what contradicts itself, is not ours, or stands in the file is refused, and nothing changes", async () => {
  const { world, ask } = await withDomain();
  const [before, told] = [structuredClone(world.domains), world.events.length];
  for (const [status, name, what] of [
    [400, NAME, { primaries: [] }],
    [400, NAME, { primaries: [{ host: "a b" }] }],
    [400, NAME, { primaries: [{ host: "a..b" }] }],
    [400, NAME, { primaries: [{ host: "192.0.2.1000" }] }],
    [400, NAME, { primaries: [{ host: "a.example", mx: true }] }],
    [400, NAME, { primaries: [{ port: 25 }] }],
    [400, NAME, { primaries: [{ host: "a.example" }, { host: "A.example", tls: "verify" }] }],
    [400, NAME, { quota: {} }],
    [400, NAME, { primaries: [{ host: "a.example", tls: "pin" }] }],
    [400, NAME, { primaries: [{ host: "a.example", tls: "verify", pins: ["0".repeat(64)] }] }],
    [400, NAME, { name: "other.example" }],
    [400, NAME, { catchAll: true, callout: true }],
    [400, NAME, { mode: "reflector", checks: { reachability: {} } }],
    [404, "foreign.example", {}],
    [409, "example.com", { mode: "reflector" }],
  ] as const)
    assert.equal((await ask("PATCH", `/v1/domains/${name}`, what)).status, status, JSON.stringify(what));
  assert.deepEqual([world.domains, world.events.length], [before, told]);
});

test("a primary is read as in the configuration, and a mistake in it says what would be right", async () => {
  const { ask, change } = await withDomain();
  const hosts = ["MX.bücher.example", "[2001:DB8::1]", "192.0.2.1"];
  const { primaries } = await change({ primaries: hosts.map((host) => ({ host })) });
  assert.deepEqual(
    primaries.map(({ host }) => host),
    ["mx.xn--bcher-kva.example", "2001:db8::1", "192.0.2.1"],
  );
  const wrong = { primaries: [{ host: "a.example" }, { host: "b.example:2525" }] };
  const { json } = await ask("PATCH", `/v1/domains/${NAME}`, wrong);
  assert.deepEqual(json.error, {
    code: "bad_request",
    message: 'primaries.1.host: "b.example:2525" contains a port',
    hint: "write host: b.example and port: 2525",
  });
  const address = await ask("POST", "/v1/domains", { name: "192.0.2.1", primaries: [{ mx: true }] });
  assert.deepEqual([address.status, address.json.error.message], [400, '"192.0.2.1" is not a domain name']);
});

test("the separator of tags is the one that the configuration knows, or none", async () => {
  const { ask, change } = await withDomain();
  assert.equal((await change({ tagSeparator: "" })).tagSeparator, "");
  assert.equal((await change({ tagSeparator: "+" })).tagSeparator, "+");
  for (const tagSeparator of ["-", "a", "@", "none"]) {
    const { status, json } = await ask("PATCH", `/v1/domains/${NAME}`, { tagSeparator });
    assert.deepEqual([status, json.error?.message], [400, 'tagSeparator: write "+", or "" for none']);
    const added = { name: "x.example", primaries: [{ mx: true }], tagSeparator };
    assert.equal((await ask("POST", "/v1/domains", added)).status, 400);
  }
});

test("a domain that is added or changed among thousands costs no look at the others", async () => {
  const world = new FakeWorld();
  const parts = world.parts("unused");
  const asked: unknown[][] = [];
  const note =
    <Asked extends unknown[], Found>(ask: (...words: Asked) => Found) =>
    (...words: Asked): Found => (asked.push(words), ask(...words));
  const queue = { ...parts.queue, counts: note(parts.queue.counts) };
  const directory = { ...parts.directory, refusing: note(parts.directory.refusing) };
  const app = buildApplication({ ...parts, queue, directory }, trustSocket());
  const body = JSON.stringify({ name: NAME, primaries: [{ host: "a.example" }] });
  assert.equal((await app.request("/v1/domains", { method: "POST", body })).status, 201);
  assert.equal((await app.request(`/v1/domains/${NAME}`, { method: "PATCH", body: "{}" })).status, 200);
  assert.equal((await app.request(`/v1/queue?domain=${NAME}`)).status, 200);
  assert.deepEqual(asked, [[NAME], [NAME], [NAME], [NAME], [NAME]]);
});

test("a removed domain whose mail still waits is taken back by adding it again", async () => {
  const { world, ask } = await withDomain();
  world.domains = world.domains.map((domain) => Object.assign({}, domain, { draining: true }));
  const again = await ask("POST", "/v1/domains", { name: NAME, primaries: [{ host: "new.example" }] });
  assert.equal(again.status, 201);
  const shown = DomainBody.parse(again.json);
  assert.deepEqual([shown.draining, shown.settings.primaries[0]?.host], [false, "new.example"]);
  assert.ok(!("recipients" in (world.added.at(-1) ?? {})), "its list stays");
  const ofFile = await ask("POST", "/v1/domains", {
    name: "example.com",
    primaries: [{ host: "m.example" }],
  });
  assert.equal(ofFile.status, 409);
  assert.match(ofFile.json.error.hint, /put it back there/);
});

test("of two that add the same domain at once, the second is told that it is there", async () => {
  const parts = new FakeWorld().parts("unused");
  const addDomain: typeof parts.editor.addDomain = async (domain) => {
    await parts.editor.addDomain(domain);
    throw new Error(`${domain.name} exists already (origin api)`);
  };
  const app = buildApplication({ ...parts, editor: { ...parts.editor, addDomain } }, trustSocket());
  const body = JSON.stringify({ name: NAME, primaries: [{ host: "old.example" }] });
  const answer = await app.request("/v1/domains", { method: "POST", body }, {});
  assert.deepEqual(
    [answer.status, ((await answer.json()) as ErrorBody).error.message],
    [409, `${NAME} exists already, added through the API`],
  );
});
