import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { ownWords } from "../../../src/cli/own-verbs.ts";

test("a verb that is asked for help does nothing else, above all no daemon begins", () => {
  for (const verb of ["serve", "check-config", "demo", "version"])
    for (const help of ["--help", "-h"]) {
      const told = ownWords(verb, [help]);
      assert.ok(told !== undefined && "end" in told && told.end === 0, verb);
      assert.match(told.text, new RegExp(`^holdfast ${verb} `));
      assert.ok(told.text.split("\n").every((line) => line.length <= 80));
    }
});

test("what a verb does not know is wrong use", () => {
  for (const [verb, args, complaint] of [
    ["serve", ["--foreground"], /^holdfast serve: there is no option --foreground\n/],
    ["serve", ["config.yaml"], /^holdfast serve: takes no words, only options\n/],
    ["demo", ["--json"], /^holdfast demo: there is no option --json\n/],
    ["check-config", ["a.yaml", "b.yaml"], /^holdfast check-config: too many words; it takes \[FILE\]\n/],
  ] as const) {
    const told = ownWords(verb, args);
    assert.ok(told !== undefined && "end" in told && told.end === 2, verb);
    assert.match(told.text, complaint);
  }
});

test("check-config takes a file, and --json; version takes --json and needs no configuration", () => {
  assert.deepEqual(ownWords("version", ["--json"]), { file: undefined, json: true });
  const help = ownWords("version", ["--help"]);
  assert.ok(help !== undefined && "end" in help && !help.text.includes("--config"));
  assert.deepEqual(ownWords("check-config", []), { file: undefined, json: false });
  assert.deepEqual(ownWords("check-config", ["a.yaml", "--json"]), { file: "a.yaml", json: true });
  assert.equal(ownWords("queue", ["list"]), undefined);
  assert.equal(ownWords("constructor", []), undefined);
});

test("the list of all verbs fits 80 columns", () => {
  const main = join(import.meta.dirname, "../../../src/main.ts");
  const { status, stdout } = spawnSync(process.execPath, [main, "--help"], { encoding: "utf8" });
  assert.equal(status, 0);
  assert.match(stdout, /^ {2}holdfast trust-kit DOMAIN /m);
  assert.deepEqual(
    stdout.split("\n").filter((line) => line.length > 80),
    [],
  );
});
