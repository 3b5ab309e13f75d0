import assert from "node:assert/strict";
import { test } from "node:test";
import { toolWorld } from "../../support/tool-bench.ts";

test("reload tells what needs a restart, and each problem", async () => {
  await using tool = await toolWorld();
  tool.world.reloaded = { ok: true, generation: 9, restart: ["smtp.threads"] };
  const done = await tool.run(["reload"]);
  assert.deepEqual(
    [done.code, done.stdout],
    [0, "The configuration is in effect.\nsmtp.threads takes effect after a restart.\n"],
  );
  tool.world.reloaded = { ok: true, generation: 9, restart: [], warnings: ["users.txt: lists nobody"] };
  const doubtful = await tool.run(["reload"]);
  assert.deepEqual([doubtful.code, doubtful.stderr], [0, "users.txt: lists nobody\n"]);
  tool.world.reloaded = { ok: false, problems: ["holdfast.yaml:3: smtp.listen: not an address"] };
  const refused = await tool.run(["reload"]);
  assert.deepEqual([refused.code, refused.stdout], [2, ""]);
  assert.equal(refused.stderr, "holdfast.yaml:3: smtp.listen: not an address\nnothing was changed\n");
  assert.equal(JSON.parse((await tool.run(["reload", "--json"])).stdout).ok, false);
});

test("reload tells which domains came and went, so that a shortened file is seen at once", async () => {
  await using tool = await toolWorld();
  const removed = Array.from({ length: 12 }, (_, i) => `d${i}.example`);
  const domains = { added: ["new.example"], changed: [], draining: ["old.example"], removed };
  tool.world.reloaded = { ok: true, generation: 9, restart: [], domains };
  const { stdout } = await tool.run(["reload"]);
  assert.match(stdout, /^Domains added: +1: new\.example$/m);
  assert.match(stdout, /^Domains draining: +1: old\.example$/m);
  assert.match(
    stdout.replace(/\n +/g, " "),
    /^Domains removed: +12: d0\.example, .*d9\.example, and 2 more$/m,
  );
  assert.doesNotMatch(stdout, /changed/);
  assert.deepEqual(JSON.parse((await tool.run(["reload", "--json"])).stdout).domains, domains);
});

test("health is 0 or 1", async () => {
  await using tool = await toolWorld();
  assert.deepEqual(await tool.run(["health"]), { code: 0, stdout: "ok\n", stderr: "" });
  tool.world.status = { ...tool.world.status, condition: "full" };
  assert.equal((await tool.run(["health"])).code, 0);
  assert.deepEqual(await tool.run(["health", "--ready"]), {
    code: 1,
    stdout: "storage is full; `holdfast status` says why\n",
    stderr: "",
  });
  tool.world.status = { ...tool.world.status, condition: "sick" };
  assert.equal((await tool.run(["health"])).code, 1);
});
