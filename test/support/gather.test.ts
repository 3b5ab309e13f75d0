import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { APART, testsIn, testsLeft, TOGETHER } from "./gather.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** The patterns that `npm test` hands to Node.js. */
function patterns(): readonly string[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    scripts: { test: string };
  };
  return [...scripts.test.matchAll(/"(test\/[^"]+)"/g)].map(([, pattern]) => pattern ?? "");
}

test("npm test runs every test file once", () => {
  const started = patterns().flatMap((pattern) =>
    globSync(pattern, { cwd: ROOT }).map((file) => file.slice("test/".length)),
  );
  const gatherers = started.filter((file) => file.startsWith("gathered/")).toSorted();
  assert.deepEqual(
    gatherers,
    [...Object.keys(TOGETHER), "others"].map((name) => `gathered/${name}.ts`).toSorted(),
  );
  const gathered = [...testsIn(Object.values(TOGETHER).flat()), ...testsLeft()];
  const run = [...started.filter((file) => !file.startsWith("gathered/")), ...gathered].toSorted();
  assert.deepEqual(run, globSync("**/*.test.ts", { cwd: join(ROOT, "test") }).toSorted());
});

test("files that run apart are not gathered", () => {
  for (const folder of APART)
    assert.deepEqual(
      testsLeft().filter((file) => file.startsWith(`${folder}/`)),
      [],
    );
});
