import assert from "node:assert/strict";
import { test } from "node:test";
import { CreatedToken, StatusBody, TokenList } from "../../../../../src/endpoints/admin/contract.ts";
import { FakeWorld } from "../../../../support/admin-fakes.ts";
import { operatorOf } from "../../../../support/admin-requests.ts";
import { idle } from "../../../../support/settle.ts";

test("health and readiness follow the store and the listeners", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  const code = async (path: string) => {
    const { status, json } = await ask("GET", path);
    assert.equal(json.ok, status === 200);
    return status;
  };
  const codes = async () => [await code("/healthz"), await code("/readyz")];
  assert.deepEqual(await codes(), [200, 200]);
  world.status = { ...world.status, condition: "full" };
  assert.deepEqual(await codes(), [200, 503]);
  world.status = { ...world.status, condition: "sick" };
  assert.deepEqual(await codes(), [503, 503]);
  assert.equal((await ask("GET", "/readyz")).json.why, "storage is sick; `holdfast status` says why");
  world.status = { ...world.status, condition: "ok", listening: [] };
  assert.deepEqual(await codes(), [200, 503]);
  assert.equal((await ask("GET", "/readyz")).json.why, "not listening for mail");
});

test("health is answered while the other threads hang", async () => {
  const world = new FakeWorld();
  world.trouble = new Error("the other thread has ended");
  assert.equal((await operatorOf(world)("GET", "/healthz")).status, 200);
});

test("status adds up everything", async () => {
  const status = StatusBody.parse((await operatorOf(new FakeWorld())("GET", "/v1/status")).json);
  assert.deepEqual(status.mail, { waiting: 2, held: 1 });
  assert.equal(status.ready, true);
  assert.equal(status.primaries[0]?.destination, "mail.example.com:25");
});

test("status names as putting off, or as on an old list, only domains that are", async () => {
  const world = new FakeWorld();
  const [, plain] = world.domains;
  assert.ok(plain !== undefined);
  const url = "https://lists.example/";
  const fetching = { ...plain.settings, fetched: { url, every: 60_000 } };
  world.domains = [
    { ...plain, name: "new.example", settings: fetching },
    { ...plain, name: "listed.example", settings: fetching, fetched: 1 },
    { ...plain, name: "all.example", settings: { ...fetching, catchAll: true } },
    { ...plain, name: "asked.example", settings: { ...fetching, callout: true } },
    { ...plain, name: "leaving.example", settings: fetching, draining: true },
    { ...plain, name: "paused.example", paused: true },
    { ...plain, name: "unread.example" },
  ];
  world.refusing = ["paused.example"];
  world.fileTroubles.set("unread.example", "users.txt is not there");
  const failure = { error: "it answered 500", failedAt: 1 };
  world.fetched.set("new.example", { url, ...failure });
  world.fetched.set("listed.example", { url, entries: 3, checkedAt: 1, ...failure });
  world.fetched.set("all.example", { url, entries: 3, checkedAt: 1 });
  const status = StatusBody.parse((await operatorOf(world)("GET", "/v1/status")).json);
  const { unlisted, stuck, draining, paused, refusing } = status;
  assert.deepEqual([unlisted, stuck], [["new.example"], ["listed.example", "unread.example"]]);
  assert.deepEqual(
    [draining, paused, refusing],
    [["leaving.example"], ["paused.example"], ["paused.example"]],
  );
});

test("status tells what ails the store, also where nothing can be read from it", async () => {
  const world = new FakeWorld();
  world.status = { ...world.status, condition: "sick", trouble: "the database is malformed" };
  world.unreadable = new Error("the image is malformed");
  const status = StatusBody.parse((await operatorOf(world)("GET", "/v1/status")).json);
  const { condition, trouble, unreadable, mail } = status;
  assert.deepEqual([condition, trouble, mail], ["sick", "the database is malformed", {}]);
  assert.equal(unreadable, "the image is malformed");
  assert.equal(status.primaries[0]?.destination, "mail.example.com:25");
});

test("status tells what ails the store while the thread that reads does not answer", async ({ mock }) => {
  const world = new FakeWorld();
  const trouble = "the storage thread does not answer";
  world.status = { ...world.status, condition: "sick", trouble };
  world.silent = true;
  mock.timers.enable({ apis: ["setTimeout"] });
  const asked = operatorOf(world)("GET", "/v1/status");
  await idle();
  mock.timers.tick(10_000);
  const status = StatusBody.parse((await asked).json);
  assert.deepEqual([status.trouble, status.primaries.length], [trouble, 1]);
  assert.match(status.unreadable ?? "", /^no answer within 10 s; the disk does not answer, or /);
});

test("status says why it does not know how primaries stand", async () => {
  const world = new FakeWorld();
  world.noPrimaries = "the delivery thread does not answer";
  const { primaries, noPrimaries } = StatusBody.parse((await operatorOf(world)("GET", "/v1/status")).json);
  assert.deepEqual([primaries, noPrimaries], [[], "the delivery thread does not answer"]);
});

test("metrics are text", async () => {
  const answer = await operatorOf(new FakeWorld())("GET", "/metrics");
  assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  assert.equal(answer.text, "holdfast_smtp_connections 4\n");
});

test("reload answers what happened, 409 when nothing was changed", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  assert.deepEqual((await ask("POST", "/v1/reload")).json, { ok: true, generation: 8 });
  world.reloaded = { ok: false, problems: ["holdfast.yaml:3: smtp.listen: not an address"] };
  const refused = await ask("POST", "/v1/reload");
  assert.deepEqual([refused.status, refused.json], [409, world.reloaded]);
});

test("tokens are made, listed without secrets, and revoked", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  const answer = await ask("POST", "/v1/tokens", { name: "sync", domain: "Example.com" });
  assert.equal(answer.status, 201);
  const created = CreatedToken.parse(answer.json);
  assert.equal(created.domain, "example.com");
  assert.equal((await ask("POST", "/v1/tokens", { name: "sync" })).status, 409);
  const forged = await ask("POST", "/v1/tokens", { name: "socket" });
  assert.deepEqual(
    [forged.status, forged.json.error?.message],
    [400, "name: is what the trace calls those who come over the socket; take another name"],
  );
  assert.equal((await ask("POST", "/v1/tokens", { name: "two words" })).status, 400);
  const foreign = await ask("POST", "/v1/tokens", { name: "typo", domain: "exmaple.com" });
  assert.equal(foreign.status, 404);
  assert.match(foreign.text, /exmaple\.com is not one of our domains/);
  const listed = await ask("GET", "/v1/tokens");
  assert.equal(TokenList.parse(listed.json).items.length, 1);
  assert.equal(/secret|hash/.test(listed.text), false);
  assert.equal((await ask("DELETE", "/v1/tokens/sync")).status, 204);
  assert.equal((await ask("DELETE", "/v1/tokens/sync")).status, 404);
  assert.equal(JSON.stringify(world.events).includes(created.secret), false);
  assert.deepEqual(
    world.events.map((event) => event.kind === "operator.acted" && [event.verb, event.what]),
    [
      ["token add", "sync"],
      ["token revoke", "sync"],
    ],
  );
});

test("a route that is not there is 404", async () => {
  assert.equal((await operatorOf(new FakeWorld())("GET", "/v1/nothing")).status, 404);
});
