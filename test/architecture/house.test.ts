import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join, sep } from "node:path";
import { test } from "node:test";
import { checkHouse } from "./check-house.ts";
import { THREAD_ROOT } from "./rules.ts";

const SRC = join(import.meta.dirname, "..", "..", "src");
const UNIT = join(import.meta.dirname, "..", "unit");

async function readTree(): Promise<Map<string, string>> {
  const names = await readdir(SRC, { recursive: true });
  const paths = names.filter((name) => /\.(?:[cm]?[jt]s|tsx)$/.test(name)).toSorted();
  const read = async (name: string): Promise<[string, string]> => [
    name.split(sep).join("/"),
    await readFile(join(SRC, name), "utf8"),
  ];
  return new Map(await Promise.all(paths.map(read)));
}

test("every file of src/ keeps to the house", async () => {
  const tree = await readTree();
  const findings = checkHouse(tree);
  assert.ok(tree.size > 20, `only ${tree.size} files were found in ${SRC}`);
  assert.ok(
    [...tree.keys()].some((path) => THREAD_ROOT.test(path)),
    "no root of a thread was found: what threads load was not looked at",
  );
  assert.equal(findings.length, 0, `\n${findings.map((finding) => `  src/${finding}`).join("\n")}\n`);
});

test("every unit test lies where its source does, under its name: FILE.test.ts, or FILE.ASPECT.test.ts", async () => {
  const tests = (await readdir(UNIT, { recursive: true })).filter((name) => name.endsWith(".test.ts"));
  const sources = new Set(
    (await readdir(SRC, { recursive: true })).map((name) => name.replace(/\.[jt]s$/, "")),
  );
  const strangers = tests.filter((name) => !sources.has(name.replace(/(?:\.[a-z-]+)?\.test\.ts$/, "")));
  assert.ok(tests.length > 100, `only ${tests.length} tests were found in ${UNIT}`);
  assert.deepEqual(strangers, []);
});
