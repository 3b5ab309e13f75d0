import assert from "node:assert/strict";
import { test } from "node:test";
import { FIRST } from "../../support/admin-fakes.ts";
import { fits, toolWorld } from "../../support/tool-bench.ts";

test("trace tells how it stands and what happened, with zone and age", async () => {
  await using tool = await toolWorld();
  const at = tool.world.clock.now() - 60_000;
  tool.world.lines = [
    { at, id: FIRST, kind: "mail.deferred", text: `deferred: ${"word ".repeat(30)}\u001b[2J` },
  ];
  const { code, stdout } = await tool.run(["trace", FIRST]);
  assert.equal(code, 0);
  assert.match(stdout, /^State: +waiting, since 2026-03-01 /m);
  assert.match(
    stdout,
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d {2}01k9zq3v5x0abcde {2}1 min ago\n {4}deferred: /m,
  );
  fits(stdout);
  const unknown = await tool.run(["trace", "nobody@nowhere.example"]);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stdout, /^Nothing is known of nobody@nowhere\.example/);
});

test("trace shows what each check said", async () => {
  await using tool = await toolWorld();
  const checks = JSON.stringify([["greylist", "rcpt", "known \u202e", 0, 1]]);
  tool.world.lines = [{ at: 1, id: FIRST, kind: "mail.accepted", text: "accepted", checks }];
  const { stdout } = await tool.run(["trace", FIRST]);
  assert.match(stdout, /^ {4}- greylist at RCPT, 0 ms: known/m);
  fits(stdout);
});
