import assert from "node:assert/strict";
import { test } from "node:test";
import type { TokenRecord, TokenStore } from "../../../../src/ports/tokens.ts";
import { Tokens } from "../../../../src/services/tokens/tokens.ts";
import { FakeWorld } from "../../../support/admin-fakes.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

test("a secret is returned once, stored as a hash, and verified", async () => {
  const { tokens, storedTokens } = new FakeWorld();
  const created = await tokens.create("sync", "example.com");
  assert.match(created?.secret ?? "", /^hf_[A-Za-z0-9_-]{43}$/);
  assert.equal(JSON.stringify(storedTokens).includes(created?.secret ?? ""), false);
  assert.deepEqual(await tokens.verify(created?.secret ?? ""), {
    name: "sync",
    createdAt: created?.createdAt,
    domain: "example.com",
  });
});

test("secrets differ, and a name is used once", async () => {
  const { tokens } = new FakeWorld();
  const [one, two] = [await tokens.create("one"), await tokens.create("two")];
  assert.notEqual(one?.secret, two?.secret);
  assert.equal(await tokens.create("one"), undefined);
});

test("a revoked token fails, and others still work", async () => {
  const { tokens } = new FakeWorld();
  const [one, two] = [await tokens.create("one"), await tokens.create("two")];
  assert.equal(await tokens.revoke("one"), true);
  assert.equal(await tokens.revoke("one"), false);
  assert.equal(await tokens.verify(one?.secret ?? ""), undefined);
  assert.equal((await tokens.verify(two?.secret ?? ""))?.name, "two");
  assert.deepEqual(
    (await tokens.list()).map(({ name }) => name),
    ["two"],
  );
});

test("text that is no secret, and a record with a damaged hash, match nothing", async () => {
  const world = new FakeWorld();
  const created = await world.tokens.create("one");
  world.storedTokens.unshift({ name: "damaged", hash: "", createdAt: 0 });
  for (const wrong of ["", "hf_", "x".repeat(46), `hf_${"A".repeat(43)}`, `${created?.secret}x`])
    assert.equal(await world.tokens.verify(wrong), undefined);
  assert.equal((await world.tokens.verify(created?.secret ?? ""))?.name, "one");
});

test("text that cannot be a secret does not cause a read of the store", async () => {
  let looks = 0;
  const nobody = { addToken: async () => true, revokeToken: async () => false };
  const tokens = new Tokens({ ...nobody, tokens: async () => (looks++, []) }, new ManualClock());
  for (const wrong of ["", "hf_", "x".repeat(16_000), `hf_${"A".repeat(44)}`])
    assert.equal(await tokens.verify(wrong), undefined);
  assert.equal(looks, 0);
  assert.equal(await tokens.verify(`hf_${"A".repeat(43)}`), undefined);
  assert.equal(looks, 1);
});

test("the list of tokens has no hashes", async () => {
  const { tokens } = new FakeWorld();
  await tokens.create("one");
  assert.deepEqual(Object.keys((await tokens.list())[0] ?? {}), ["name", "createdAt"]);
});

/** A store whose reads are counted, and answer when `answer` does. */
function countedStore(answer: (records: readonly TokenRecord[]) => Promise<readonly TokenRecord[]>) {
  const { storedTokens } = new FakeWorld();
  const seen = { reads: 0 };
  const store: TokenStore = {
    tokens: async () => {
      seen.reads += 1;
      return answer([...storedTokens]);
    },
    addToken: async (token) => storedTokens.push(token) > 0,
    revokeToken: async (name) => {
      const at = storedTokens.findIndex((token) => token.name === name);
      if (at !== -1) storedTokens.splice(at, 1);
      return at !== -1;
    },
  };
  return { seen, tokens: new Tokens(store, new ManualClock()) };
}

test("if the store does not answer, known tokens still work; wrong secrets cause no read of the store", async () => {
  let hangs = false;
  const { seen, tokens } = countedStore((all) =>
    hangs ? new Promise(() => undefined) : Promise.resolve(all),
  );
  const { secret = "" } = (await tokens.create("monitoring")) ?? {};
  assert.equal((await tokens.verify(secret))?.name, "monitoring");
  hangs = true;
  assert.equal((await tokens.verify(secret))?.name, "monitoring");
  assert.equal(await tokens.verify(`hf_${"A".repeat(43)}`), undefined);
  assert.equal(seen.reads, 1);
});

test("a token revoked while the store is read fails after that read, and a failed read is repeated", async () => {
  let slow: Promise<void> | undefined;
  const { tokens } = countedStore(async (all) => {
    await slow;
    return all;
  });
  const { secret = "" } = (await tokens.create("one")) ?? {};
  const gate = Promise.withResolvers<void>();
  slow = gate.promise;
  const asked = tokens.verify(secret);
  await tokens.revoke("one");
  gate.resolve();
  assert.equal((await asked)?.name, "one", "it was asked before");
  assert.equal(await tokens.verify(secret), undefined);
  const { secret: second = "" } = (await tokens.create("two")) ?? {};
  slow = Promise.reject(new Error("disk I/O error"));
  await assert.rejects(tokens.verify(second), /disk I\/O error/);
  slow = undefined;
  assert.equal((await tokens.verify(second))?.name, "two");
});
