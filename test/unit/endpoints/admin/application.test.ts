import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { buildApplication } from "../../../../src/endpoints/admin/application.ts";
import { trustSocket } from "../../../../src/endpoints/admin/authenticate.ts";
import { FakeWorld, FIRST } from "../../../support/admin-fakes.ts";
import { type Answer, operatorOf, strangerOf } from "../../../support/admin-requests.ts";
import { idle } from "../../../support/settle.ts";

test("a question waits 30 s for its answer, a change ten minutes and is told that it may still be made", async (t) => {
  const world = new FakeWorld();
  world.explain = () => new Promise(() => {});
  world.tokens.create = () => new Promise(() => {});
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const ask = operatorOf(world);
  const answered: [string, number, string, string][] = [];
  const note =
    (what: string) =>
    ({ status, json }: Answer): void =>
      void answered.push([what, status, json.error.code, json.error.message]);
  void ask("GET", "/v1/explain?ip=192.0.2.1&helo=h&rcpt=a@example.com").then(note("question"));
  void ask("POST", "/v1/tokens", { name: "one" }).then(note("change"));
  const pass = async (milliseconds: number): Promise<void> => {
    await idle();
    t.mock.timers.tick(milliseconds);
    await idle();
  };
  await pass(29_999);
  assert.deepEqual(answered, []);
  await pass(1);
  assert.deepEqual(answered, [["question", 504, "timeout", "the daemon did not answer in time"]]);
  await pass(569_999);
  assert.equal(answered.length, 1);
  await pass(1);
  const [what, status, code, message] = answered[1] ?? [];
  assert.deepEqual([what, status, code], ["change", 504, "timeout"]);
  assert.match(message ?? "", /; the change may still be made$/);
});

test("the time of a request begins before its token is looked up", async (t) => {
  const world = new FakeWorld();
  world.tokens.verify = () => new Promise(() => {});
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const answer = strangerOf(world, `hf_${"A".repeat(43)}`)("GET", "/v1/status");
  await idle();
  t.mock.timers.tick(30_000);
  assert.equal((await answer).status, 504);
});

test("what fails unexpectedly is told in the log, to which its answer points", async () => {
  const world = new FakeWorld();
  world.trouble = new Error("EIO: i/o error");
  const { status, json } = await operatorOf(world)("GET", "/v1/queue");
  assert.deepEqual([status, json.error.code], [500, "internal"]);
  assert.match(json.error.hint, /daemon's log/);
  assert.equal(world.logged.length, 1);
  assert.match(world.logged[0] ?? "", /^error: admin request failed .+"path":"\/v1\/queue".+EIO: i\/o error/);
});

test("where nothing is, that is said as all mistakes are", async () => {
  const { status, json, headers } = await operatorOf(new FakeWorld())("GET", "/v1/nothing");
  assert.deepEqual([status, json.error.code, json.error.hint], [404, "not_found", "see docs/api.md"]);
  assert.equal(headers.get("cache-control"), "no-store");
});

test("a method that a route does not know is told those that it knows, RFC 9110 §15.5.6", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  for (const [method, path, allow] of [
    ["POST", "/healthz", "GET, HEAD"],
    ["PUT", "/v1/domains/example.com", "PATCH, GET, HEAD, DELETE"],
    ["GET", "/v1/reload", "POST"],
    ["OPTIONS", "/v1/status", "GET, HEAD"],
  ] as const) {
    const { status, json, headers } = await ask(method, path);
    assert.deepEqual([path, status, headers.get("allow")], [path, 405, allow]);
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(json.error.code, "method_not_allowed");
  }
  const { json } = await ask("GET", "/v1/reload");
  assert.deepEqual(json.error, { code: "method_not_allowed", message: "this route takes POST, not GET" });
  assert.equal((await strangerOf(world)("GET", "/v1/reload")).status, 401);
});

test("what is to be removed is named in the path or query; a body that would narrow it removes nothing", async () => {
  const world = new FakeWorld();
  const ask = operatorOf(world);
  await world.tokens.create("sync");
  world.senders.push({ sender: "a@b.example", at: 1, who: "socket" });
  const rule = await world.rules.add({ action: "block", network: "192.0.2.1/32" }, "socket");
  const places = [
    "/v1/domains/other.example",
    "/v1/tokens/sync",
    "/v1/quarantine/senders?sender=a@b.example",
    `/v1/access/${rule?.id}`,
  ];
  for (const place of places) {
    const { status, json } = await ask("DELETE", place, { domain: "example.com" });
    assert.deepEqual([status, json.error?.message], [400, '"domain" is not known here'], place);
  }
  assert.equal(world.events.length, 0);
  for (const place of places) assert.ok((await ask("DELETE", place)).status < 300, place);
  assert.equal(world.events.length, places.length);
});

test("a mail that comes when its reader was sent away is closed", async (t) => {
  const world = new FakeWorld();
  const came = Promise.withResolvers<Readable>();
  const body = Readable.from(["body"]);
  const parts = world.parts("unused");
  const app = buildApplication(
    { ...parts, queue: { ...parts.queue, export: () => came.promise } },
    trustSocket(),
  );
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const answer = app.request(`/v1/queue/${FIRST}/export`, {}, {});
  await idle();
  t.mock.timers.tick(30_000);
  assert.equal((await answer).status, 504);
  came.resolve(body);
  await idle();
  assert.equal(body.destroyed, true);
});
