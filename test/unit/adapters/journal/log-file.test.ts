import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openLogFile } from "../../../../src/adapters/journal/log-file.ts";
import { tempFolder } from "../../../support/temp-folder.ts";

test("lines that a slow disk leaves no room for are counted one by one; all others are written", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.log");
  const log = openLogFile({ file, level: "info" });
  const members = `"text":"${"x".repeat(1000)}"`;
  const lines = 20_000;
  // In one turn of the loop, so that nothing leaves while they come.
  for (let n = 0; n < lines; n += 1) log.write("info", 0, "line", members);
  await log.close();
  const written = readFileSync(file, "utf8").split("\n").length - 1;
  assert.ok(log.dropped() > 0);
  assert.equal(written + log.dropped(), lines);
  log.write("info", 0, "after its end", members);
  assert.equal(log.wants("error"), false);
});
