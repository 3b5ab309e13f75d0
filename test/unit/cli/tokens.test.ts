import assert from "node:assert/strict";
import { test } from "node:test";
import { toolWorld } from "../../support/tool-bench.ts";

test("a token's secret is alone on stdout, once", async () => {
  await using tool = await toolWorld();
  const added = await tool.run(["token", "add", "sync", "--domain", "example.com"]);
  assert.match(added.stdout, /^hf_[\w-]{43}\n$/);
  assert.match(added.stderr, /not shown again/);
  const listed = (await tool.run(["token", "list"])).stdout;
  assert.match(listed, /^sync +example\.com +2026-03-01 /m);
  assert.equal(listed.includes("hf_"), false);
  assert.equal((await tool.run(["token", "add", "sync"])).code, 1);
  assert.equal((await tool.run(["token", "add", "two words"])).code, 2);
  assert.equal((await tool.run(["token", "revoke", "sync"])).stdout, "sync revoked.\n");
  assert.equal((await tool.run(["token", "revoke", "sync"])).code, 1);
});
