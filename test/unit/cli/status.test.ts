import assert from "node:assert/strict";
import { test } from "node:test";
import type { DomainRecord } from "../../../src/ports/directory.ts";
import { fits, runOn, toolWorld } from "../../support/tool-bench.ts";

const LIST = { url: "https://lists.example/a", every: 600_000 };

test("status tells everything at one look", async () => {
  await using tool = await toolWorld();
  const { code, stdout } = await tool.run(["status"]);
  assert.equal(code, 0);
  assert.match(stdout, /^Holdfast: +0\.1\.0 on mx2\.example\.net, up 3 h 12 min$/m);
  assert.match(stdout, /^Queue: +2 waiting, 1 held; oldest 3 h 12 min$/m);
  assert.match(stdout, /^mail\.example\.com:25 +down +3 h 12 min +connection refused$/m);
  fits(stdout);
});

test("status says what ails the store, and that the queue cannot be read", async () => {
  await using tool = await toolWorld();
  const trouble = "the database is malformed; stop the daemon";
  tool.world.status = { ...tool.world.status, condition: "sick", trouble };
  tool.world.unreadable = new Error("the image is malformed");
  const { code, stdout } = await tool.run(["status"]);
  assert.equal(code, 0);
  assert.match(
    stdout.replaceAll(/\n +/g, " "),
    /^Storage: +sick, 12 GiB free .*: the database is malformed; stop the daemon$/m,
  );
  assert.match(stdout, /^Queue: +cannot be read: the image is malformed$/m);
  fits(stdout);
});

test("status says why no primary is listed", async () => {
  await using tool = await toolWorld();
  tool.world.noPrimaries = "the delivery thread does not answer";
  const { stdout } = await tool.run(["status"]);
  assert.match(stdout, /^Primaries: +the delivery thread does not answer$/m);
});

test("status puts what needs somebody first: paused domains, primaries in trouble", async () => {
  await using tool = await toolWorld();
  const [down] = tool.world.primaries;
  assert.ok(down !== undefined);
  const up = Array.from({ length: 30 }, (_, i) =>
    Object.assign({}, down, { destination: `m${i}.example:25`, state: "up" as const, why: undefined }),
  );
  tool.world.primaries = [...up, down];
  const [first, second] = tool.world.domains;
  tool.world.domains = [
    Object.assign({}, first, { paused: true }),
    Object.assign({}, second, { draining: true }),
    { ...second, name: "new.example", settings: { ...second?.settings, fetched: LIST } } as DomainRecord,
  ];
  tool.world.refusing = ["empty.example"];
  tool.world.fileTroubles.set("example.com", "users.txt:3: two words");
  const { url } = LIST;
  tool.world.fetched.set("other.example", { url, entries: 3, checkedAt: 1, error: "it answered 500" });
  tool.world.status = { ...tool.world.status, overQuota: ["full.example"] };
  const { stdout } = await tool.run(["status"]);
  assert.match(stdout, /^Paused: +1: example\.com$/m);
  assert.match(stdout, /^Refusing: +1: empty\.example; no recipient is known$/m);
  assert.match(stdout, /^Deferring: +1: new\.example; no list was fetched yet$/m);
  assert.match(stdout, /^Over quota: +1: full\.example; senders get 452$/m);
  assert.match(stdout, /^Old list: +2: example\.com, other\.example; the newer one cannot be used;/m);
  assert.match(stdout, /^Draining: +1: other\.example$/m);
  assert.match(stdout, /^PRIMARY .*\nmail\.example\.com:25 +down/m);
  assert.match(stdout, /^m19\.example:25 +up.*\n10 more are up; holdfast domain list shows them\.$/m);
  fits(stdout);
});

test("of a thousand primaries in trouble a terminal shows some, and counts the rest by state", async () => {
  await using tool = await toolWorld();
  const [down] = tool.world.primaries;
  assert.ok(down !== undefined);
  const many = Array.from({ length: 1000 }, (_, i) =>
    Object.assign({}, down, { destination: `m${i}.example:25` }),
  );
  const banned = Object.assign({}, down, { destination: "b.example:25", state: "banned" as const });
  tool.world.primaries = [...many, banned];
  const { stdout } = await tool.run(["status"]);
  assert.match(
    stdout,
    /^m39\.example:25 +down.*\n960 more down; 1 more banned; holdfast status --json shows all\.$/m,
  );
  fits(stdout);
  const piped = await runOn(tool.socket, ["status"], { environment: {} });
  assert.match(piped.stdout, /^m999\.example:25 +down.*\nb\.example:25 +banned/m);
  assert.doesNotMatch(piped.stdout, / more /);
});

test("status shows the certificates, their names and ends", async () => {
  await using tool = await toolWorld();
  const names = ["mx2.example.net", "*.example.org"];
  const expiresAt = Date.UTC(2027, 0, 31);
  tool.world.status = { ...tool.world.status, certificates: [{ file: "/etc/mx.pem", names, expiresAt }] };
  const { stdout } = await tool.run(["status"]);
  assert.match(stdout, /^\/etc\/mx\.pem +2027-01-31 +mx2\.example\.net \*\.example\.org$/m);
});

test("status says which certificate could not be renewed, and why", async () => {
  await using tool = await toolWorld();
  const trouble = "/etc/mx.key does not belong to the certificate in /etc/mx.pem";
  const certificate = { file: "/etc/mx.pem", names: [], expiresAt: Date.UTC(2027, 0, 31), trouble };
  tool.world.status = { ...tool.world.status, certificates: [certificate] };
  const { stdout } = await tool.run(["status"]);
  assert.ok(
    stdout.replace(/\n +/g, " ").includes(`Certificate: ${trouble}; the previous one stays in use`),
    stdout,
  );
});
