/** Each proof has its short form, which `npm test` runs, and its line in the README. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { proofNames } from "../prove/proof.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

test("each proof has a scenario of its name, which runs its short form", () => {
  const names = proofNames();
  assert.ok(names.length > 15, `only ${names.length} proofs were found`);
  for (const name of names)
    assert.ok(read(`test/scenario/${name}.test.ts`).includes(`from "../prove/${name}.ts"`), name);
});

test("the README lists each proof once, and no other", () => {
  const rows = [...read("README.md").matchAll(/^\|.*\| `npm run prove -- ([\w-]+)` \|$/gm)];
  assert.deepEqual(rows.map(([, name]) => name).toSorted(), proofNames());
});
