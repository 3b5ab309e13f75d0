import assert from "node:assert/strict";
import { test } from "node:test";
import { fits, toolWorld } from "../../support/tool-bench.ts";

test("access is added, listed and removed", async () => {
  await using tool = await toolWorld();
  tool.world.declaredRules = [{ action: "allow", network: "10.0.0.0/8", note: "partner" }];
  const words = ["--network", "192.0.2.0/24", "--for", "7d", "--note", "flood \u001b[31m of May"];
  const added = await tool.run(["access", "add", "block", ...words, "--domain", "example.com"]);
  assert.equal(added.code, 0, added.stderr);
  const id = added.stdout.slice(0, 16);
  assert.match(
    added.stdout,
    /: block 192\.0\.2\.0\/24, for example\.com, until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d\.\n$/,
  );
  const forever = await tool.run(["access", "add", "block", "--helo", "x.example"]);
  assert.match(forever.stdout, /: block helo x\.example\.\n$/);
  assert.equal((await tool.run(["access", "remove", forever.stdout.slice(0, 16)])).code, 0);
  const listed = (await tool.run(["access", "list"])).stdout;
  assert.match(listed, new RegExp(`^${id} +block +192\\.0\\.2\\.0/24, for`, "m"));
  assert.match(listed, /^file +allow +10\.0\.0\.0\/8 +part/m);
  fits(listed);
  assert.equal((await tool.run(["access", "remove", id])).code, 0);
  assert.equal((await tool.run(["access", "remove", id])).code, 1);
  assert.equal(tool.world.storedRules.length, 0);
});

test("wrong uses of access say what would be right", async () => {
  await using tool = await toolWorld();
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["stop", "--helo", "x"], /ACTION is allow or block, not stop/],
    [["block"], /matches every client\nname a network/],
    [
      ["block", "--network", "192.0.2.1/24"],
      /has bits set beyond its prefix length\nwrite 192\.0\.2\.0\/24 for the network/,
    ],
    [["block", "--helo", "x.example", "--for", "soon"], /--for takes a time such as 90m/],
    [["block", "--helo", "x.example", "--until", "soon"], /--until takes 90m, 2h, 3d or a time such as /],
    [["block", "--helo", "x.example", "--until", "2020-01-01"], /2020-01-01 is over already/],
    [["block", "--helo", "x.example", "--until", "2027-01-01", "--for", "1d"], /not both/],
    [["block", "--helo", "x.example", "--for", "999999999d"], /--for: 999999999d leads beyond the year 9999/],
    [["block", "--helo", "x.example", "--until", "2027-02-30"], /--until: there is no day 2027-02-30/],
  ];
  for (const [words, expected] of cases) {
    const { code, stderr } = await tool.run(["access", "add", ...words]);
    assert.equal(code, 2, words.join(" "));
    assert.match(stderr, expected);
  }
});

test("the list of rules says at which minute one ends", async () => {
  await using tool = await toolWorld();
  await tool.run(["access", "add", "block", "--network", "192.0.2.0/24", "--until", "2h", "--note", "flood"]);
  const { stdout } = await tool.run(["access", "list"]);
  assert.match(stdout, / block +192\.0\.2\.0\/24 +\d{4}-\d\d-\d\d \d\d:\d\d +flood$/m);
});

test("a rule that was stored with an end beyond all dates is listed, so that it can be removed", async () => {
  await using tool = await toolWorld();
  await tool.run(["access", "add", "block", "--network", "10.0.0.0/8"]);
  const [stored] = tool.world.storedRules;
  assert.ok(stored !== undefined);
  tool.world.storedRules[0] = { ...stored, rule: { ...stored.rule, until: Number.MAX_SAFE_INTEGER } };
  await tool.world.rules.load();
  const { code, stdout } = await tool.run(["access", "list"]);
  assert.equal(code, 0);
  assert.match(stdout, / block +10\.0\.0\.0\/8 +after 9999$/m);
});
