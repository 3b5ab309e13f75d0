import assert from "node:assert/strict";
import { test } from "node:test";
import { FIRST, SECOND } from "../../support/admin-fakes.ts";
import { toolWorld } from "../../support/tool-bench.ts";

test("acts take an id or a filter and say how many", async () => {
  await using tool = await toolWorld();
  assert.equal((await tool.run(["queue", "hold", SECOND])).stdout, "1 recipient held.\n");
  assert.equal(
    (await tool.run(["queue", "release", "--state", "held"])).stdout,
    "1 recipient released, due at once.\n",
  );
  assert.equal(
    (await tool.run(["queue", "flush", "--domain", "example.com"])).stdout,
    "2 recipients due now.\n",
  );
  assert.equal((await tool.run(["queue", "delete", "--all", "--json"])).stdout, '{\n  "count": 3\n}\n');
  assert.deepEqual(
    tool.world.operations.map(({ verb, filter }) => [verb, filter]),
    [
      ["hold", { id: SECOND }],
      ["release", { state: "held" }],
      ["flush", { domain: "example.com" }],
      ["delete", {}],
    ],
  );
  assert.equal((await tool.run(["queue", "delete", "nothing"])).code, 1);
});

test("nothing given never means everything", async () => {
  await using tool = await toolWorld();
  assert.match((await tool.run(["queue", "reroute", "--all"])).stderr, /where to\?/);
  for (const verb of ["hold", "release", "delete", "flush"]) {
    const { code, stderr } = await tool.run(["queue", verb]);
    assert.equal(code, 2);
    assert.match(stderr, /an id, a filter .* or --all/);
  }
  assert.deepEqual(tool.world.operations, []);
});

test("mail is given up, by id or by what it is", async () => {
  await using tool = await toolWorld();
  assert.equal((await tool.run(["queue", "bounce", FIRST])).stdout, "2 recipients given up.\n");
  assert.deepEqual(tool.world.operations.at(-1)?.verb, "bounce");
  assert.equal((await tool.run(["queue", "bounce"])).code, 2);
  assert.equal((await tool.run(["queue", "bounce", "--state", "gone"])).code, 2);
});

test("each act takes the states that it moves", async () => {
  await using tool = await toolWorld();
  const { code, stderr } = await tool.run(["queue", "release", "--state", "waiting"]);
  assert.equal(code, 2);
  assert.match(stderr, /--state takes held, parked; not waiting/);
  assert.equal((await tool.run(["queue", "flush", "--state", "unconfirmed"])).code, 0);
  assert.equal((await tool.run(["queue", "delete", "--state", "parked"])).code, 0);
});

test("a reason that no mail in those states has is refused", async () => {
  await using tool = await toolWorld();
  for (const verb of ["hold", "flush"]) {
    const { code, stdout, stderr } = await tool.run(["queue", verb, "--reason", "quarantine"]);
    assert.deepEqual([code, stdout], [2, ""], verb);
    assert.match(stderr, /there is no option --reason/);
  }
  for (const verb of ["release", "delete", "bounce"]) {
    const { code, stderr } = await tool.run(["queue", verb, "--reason", "delivered"]);
    assert.equal(code, 2, verb);
    assert.match(stderr, /--reason takes operator, .*, expired; not delivered/);
    assert.equal((await tool.run(["queue", verb, "--reason", "expired"])).code, 0, verb);
  }
  assert.equal(tool.world.operations.length, 3);
});
