import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { tempFolder } from "../support/temp-folder.ts";

const HOLDFAST = fileURLToPath(new URL("../../src/holdfast.js", import.meta.url));

test("an interrupted demo leaves no files and no processes behind", async () => {
  await using folder = await tempFolder();
  const env = { ...process.env, TMPDIR: folder.path };
  const demo = spawn(process.execPath, [HOLDFAST, "demo"], { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(demo, "exit");
  const lines = createInterface({ input: demo.stdout })[Symbol.asyncIterator]();
  assert.match((await lines.next()).value ?? "", /^Holdfast stands in for/);
  assert.equal((await readdir(folder.path)).length, 1);
  demo.kill("SIGINT");
  assert.deepEqual(await ended, [130, null]);
  assert.deepEqual(await readdir(folder.path), []);
});
