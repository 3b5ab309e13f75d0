import assert from "node:assert/strict";
import { test } from "node:test";
import { buildApplication } from "../../../../src/endpoints/admin/application.ts";
import { FailureTable, requireToken } from "../../../../src/endpoints/admin/authenticate.ts";
import { FakeWorld } from "../../../support/admin-fakes.ts";
import { strangerOf } from "../../../support/admin-requests.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { idle } from "../../../support/settle.ts";

const EVERY_ROUTE: readonly (readonly [method: string, path: string])[] = [
  ["GET", "/metrics"],
  ["GET", "/v1/queue"],
  ["GET", "/v1/queue/01k9zq3v5x0abcde"],
  ["GET", "/v1/queue/01k9zq3v5x0abcde/export"],
  ["POST", "/v1/queue/actions"],
  ["GET", "/v1/domains"],
  ["POST", "/v1/domains"],
  ["GET", "/v1/domains/example.com"],
  ["DELETE", "/v1/domains/example.com"],
  ["POST", "/v1/domains/example.com/pause"],
  ["POST", "/v1/domains/example.com/resume"],
  ["GET", "/v1/domains/example.com/recipients"],
  ["POST", "/v1/domains/example.com/recipients"],
  ["GET", "/v1/recipients/check?address=alice@example.com"],
  ["GET", "/v1/trace?about=alice@example.com"],
  ["GET", "/v1/status"],
  ["GET", "/v1/explain?ip=192.0.2.1&helo=h&rcpt=a@other.example"],
  ["GET", "/v1/access"],
  ["POST", "/v1/access"],
  ["DELETE", "/v1/access/01k9zq3v5x0abcde"],
  ["POST", "/v1/reload"],
  ["GET", "/v1/tokens"],
  ["POST", "/v1/tokens"],
  ["DELETE", "/v1/tokens/one"],
  ["GET", "/v1/nothing"],
];

async function secretOf(world: FakeWorld, domain?: string): Promise<string> {
  return (await world.tokens.create("test", domain))?.secret ?? "";
}

test("every route over TCP needs a token, health does not", async () => {
  const world = new FakeWorld();
  const ask = strangerOf(world);
  for (const [method, path] of EVERY_ROUTE) {
    const answer = await ask(method, path);
    assert.equal(answer.status, 401, `${method} ${path}`);
    assert.equal(answer.json.error.code, "unauthorized");
    assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer/);
  }
  assert.equal((await ask("GET", "/healthz")).status, 200);
  assert.equal((await ask("GET", "/readyz")).status, 200);
});

test("a known token opens, any other does not", async () => {
  const world = new FakeWorld();
  const secret = await secretOf(world);
  assert.equal((await strangerOf(world, secret)("GET", "/v1/status")).status, 200);
  assert.equal((await strangerOf(world, `hf_${"A".repeat(43)}`)("GET", "/v1/status")).status, 401);
  const ask = strangerOf(world);
  for (const header of [secret, `Basic ${secret}`, `Bearer`, `Bearer ${secret} x`, `Bearer ${secret}x`])
    assert.equal((await ask("GET", "/v1/status", undefined, { Authorization: header })).status, 401, header);
});

const OWN: readonly (readonly [method: string, path: string])[] = [
  ["GET", "/v1/queue"],
  ["GET", "/v1/queue?domain=example.com"],
  ["GET", "/v1/queue/01k9zq3v5x0abcde"],
  ["GET", "/v1/domains/example.com/recipients"],
  ["GET", "/v1/domains/EXAMPLE.com/recipients"],
  ["GET", "/v1/recipients/check?address=alice@example.com"],
];

test("a confined token reaches queue and recipients of its domain", async () => {
  const world = new FakeWorld();
  const ask = strangerOf(world, await secretOf(world, "example.com"));
  for (const [method, path] of OWN) assert.equal((await ask(method, path)).status, 200, path);
  const acted = await ask("POST", "/v1/queue/actions", { verb: "hold", all: true });
  assert.equal(acted.status, 200);
  assert.deepEqual(world.operations[0]?.filter, { domain: "example.com" });
  assert.equal(world.operations[0]?.who, "test");
});

test("a confined token reaches nothing else", async () => {
  const world = new FakeWorld();
  const ask = strangerOf(world, await secretOf(world, "example.com"));
  const open = new Set(["/v1/queue", "/v1/queue/actions", "/v1/queue/01k9zq3v5x0abcde"]);
  // Those of access show and touch what belongs to its domain.
  const shut = EVERY_ROUTE.filter(
    ([, path]) => !open.has(path) && !path.startsWith("/v1/access") && !/recipients|export/.test(path),
  );
  for (const [method, path] of shut) assert.equal((await ask(method, path)).status, 403, `${method} ${path}`);
});

test("a confined token reaches no other domain", async () => {
  const world = new FakeWorld();
  const ask = strangerOf(world, await secretOf(world, "example.com"));
  const foreign: readonly (readonly [string, string, unknown?])[] = [
    ["GET", "/v1/queue?domain=other.example"],
    ["GET", "/v1/domains/other.example/recipients"],
    ["GET", "/v1/domains/%6fther.example/recipients"],
    ["POST", "/v1/domains/other.example/recipients", { verb: "add", recipients: ["eve"] }],
    ["GET", "/v1/recipients/check?address=carol@other.example"],
    ["POST", "/v1/queue/actions", { verb: "delete", filter: { domain: "other.example" } }],
  ];
  for (const [method, path, body] of foreign) assert.equal((await ask(method, path, body)).status, 403, path);
  assert.deepEqual([world.operations, world.changes], [[], []]);
});

test("a confined token sends mail back to its primaries, and nowhere else", async () => {
  const world = new FakeWorld();
  const ask = strangerOf(world, await secretOf(world, "example.com"));
  const reroute = (to: string) =>
    ask("POST", "/v1/queue/actions", { verb: "reroute", filter: { domain: "example.com" }, to });
  assert.equal((await reroute("mail.attacker.example:25")).status, 403);
  assert.deepEqual(world.operations, []);
  assert.equal((await reroute("primary")).status, 200);
  assert.equal(world.operations.length, 1);
});

test("a mail shared with another domain shows only the own recipients to a confined token", async () => {
  const world = new FakeWorld();
  const ask = strangerOf(world, await secretOf(world, "other.example"));
  const shared = await ask("GET", "/v1/queue/01k9zq3v5x0abcde");
  assert.deepEqual(
    shared.json.recipients.map(({ recipient }: { recipient: string }) => recipient),
    ["carol@other.example"],
  );
  assert.equal((await ask("GET", "/v1/queue/01k9zq3v5x0abcdf")).status, 404);
  assert.equal((await ask("GET", "/v1/queue/01k9zq3v5x0abcdf/export")).status, 404);
});

test("after ten wrong tokens the network waits a minute, whatever it sends", async () => {
  const world = new FakeWorld();
  const good = await secretOf(world);
  const ask = strangerOf(world);
  const wrong = { Authorization: `Bearer hf_${"A".repeat(43)}` };
  for (let i = 0; i < 10; i++) assert.equal((await ask("GET", "/v1/status", undefined, wrong)).status, 401);
  const right = { Authorization: `Bearer ${good}` };
  world.clock.set(-3_600_000);
  const refused = await ask("GET", "/v1/status", undefined, right);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get("retry-after"), "60");
  world.clock.advance(60_000);
  assert.equal((await ask("GET", "/v1/status", undefined, right)).status, 200);
});

test("each minute of waiting begins with ten wrong tokens of its own", () => {
  const clock = new ManualClock();
  const table = new FailureTable(clock);
  const guess = (times: number): number => {
    for (let i = 0; i < times; i++) table.failed("guesser");
    return table.wait("guesser");
  };
  for (let minute = 0; minute < 3; minute++) {
    assert.deepEqual([guess(9), guess(1)], [0, 60_000], `minute ${minute}`);
    clock.advance(60_000);
    assert.equal(table.wait("guesser"), 0);
  }
});

test("a network that goes on guessing is not the one seen longest ago", () => {
  const table = new FailureTable(new ManualClock());
  for (let i = 0; i < 9; i++) table.failed("first");
  for (let i = 1; i < 10_000; i++) table.failed(`network ${i}`);
  table.failed("first");
  table.failed("one more");
  assert.deepEqual([table.size, table.wait("first")], [10_000, 60_000]);
});

test("the table of failures is bounded and forgets the network seen longest ago", () => {
  const table = new FailureTable(new ManualClock());
  for (let i = 0; i < 10; i++) table.failed("first");
  assert.equal(table.wait("first"), 60_000);
  for (let i = 0; i < 10_000; i++) table.failed(`network ${i}`);
  assert.equal(table.size, 10_000);
  assert.equal(table.wait("first"), 0);
});

test("of the requests of one domain's tokens eight are worked on at a time; others are not affected", async () => {
  const world = new FakeWorld();
  const pending = Promise.withResolvers<undefined>();
  let begun = 0;
  world.explain = () => {
    begun += 1;
    return pending.promise;
  };
  const of = async (name: string, domain?: string) => (await world.tokens.create(name, domain))?.secret ?? "";
  const [one, two] = [await of("one", "example.com"), await of("two", "example.com")];
  const [neighbour, whole] = [await of("neighbour", "other.example"), await of("whole")];
  const app = buildApplication(
    world.parts("unused"),
    requireToken(world.tokens, new FailureTable(world.clock)),
  );
  const ask = async (secret: string, path: string): Promise<number> =>
    (await app.request(path, { headers: { Authorization: `Bearer ${secret}` } }, {})).status;
  const slow = "/v1/explain?ip=192.0.2.1&helo=h&rcpt=a@example.com";
  const asked = [one, two, one, two, one, two, one, two].map((secret) => ask(secret, slow));
  await idle();
  assert.equal(begun, 8);
  for (const secret of [one, two]) assert.equal(await ask(secret, "/v1/queue"), 429);
  for (const secret of [neighbour, whole]) assert.equal(await ask(secret, "/v1/queue"), 200);
  pending.resolve(undefined);
  assert.deepEqual(await Promise.all(asked), Array(8).fill(409));
  for (const secret of [one, two]) assert.equal(await ask(secret, "/v1/queue"), 200);
});
