import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeWorld } from "../../../support/admin-fakes.ts";

test("a secret is told once, stored hashed, and found again", async () => {
  const { access, tokens } = new FakeWorld();
  const created = await access.create("sync", "example.com");
  assert.match(created?.secret ?? "", /^hf_[A-Za-z0-9_-]{43}$/);
  assert.equal(JSON.stringify(tokens).includes(created?.secret ?? ""), false);
  assert.deepEqual(await access.verify(created?.secret ?? ""), {
    name: "sync",
    createdAt: created?.createdAt,
    domain: "example.com",
  });
});

test("secrets differ, a name is given once", async () => {
  const { access } = new FakeWorld();
  const [one, two] = [await access.create("one"), await access.create("two")];
  assert.notEqual(one?.secret, two?.secret);
  assert.equal(await access.create("one"), undefined);
});

test("a revoked token fails, others go on", async () => {
  const { access } = new FakeWorld();
  const [one, two] = [await access.create("one"), await access.create("two")];
  assert.equal(await access.revoke("one"), true);
  assert.equal(await access.revoke("one"), false);
  assert.equal(await access.verify(one?.secret ?? ""), undefined);
  assert.equal((await access.verify(two?.secret ?? ""))?.name, "two");
  assert.deepEqual(
    (await access.list()).map(({ name }) => name),
    ["two"],
  );
});

test("what is no secret, and a record with a damaged hash, match nothing", async () => {
  const world = new FakeWorld();
  const created = await world.access.create("one");
  world.tokens.unshift({ name: "damaged", hash: "", createdAt: 0 });
  for (const wrong of ["", "hf_", "x".repeat(46), `hf_${"A".repeat(43)}`, `${created?.secret}x`])
    assert.equal(await world.access.verify(wrong), undefined);
  assert.equal((await world.access.verify(created?.secret ?? ""))?.name, "one");
});

test("the listing has no hashes", async () => {
  const { access } = new FakeWorld();
  await access.create("one");
  assert.deepEqual(Object.keys((await access.list())[0] ?? {}), ["name", "createdAt"]);
});
