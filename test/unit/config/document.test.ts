import assert from "node:assert/strict";
import { test } from "node:test";
import { readDocument } from "../../../src/config/document.ts";

const KEYS = 10_000;

/** Milliseconds. */
function timeOf<T>(task: () => T): readonly [result: T, took: number] {
  const begin = performance.now();
  return [task(), performance.now() - begin];
}

test("finding the places of all keys of a wide mapping takes a fraction of the time of reading it", () => {
  const keys = Array.from({ length: KEYS }, (_, n) => `key${n}`);
  const [document, reading] = timeOf(() => readDocument(keys.map((key) => `${key}: [1, 2]\n`).join("")));
  const [lines, looking] = timeOf(() => keys.map((key) => document.locate([key], true).line));
  assert.deepEqual([lines[0], lines[KEYS - 1]], [1, KEYS]);
  assert.ok(looking < reading / 4, `${looking} ms against ${reading} ms`);
});

test("the place of a duplicate key is that of the value that is used", () => {
  const document = readDocument("a: 1\nb: 2\na: 3\n");
  assert.deepEqual(document.value, { a: "3", b: "2" });
  assert.deepEqual(document.locate(["a"]), { line: 3, column: 4 });
  assert.equal(document.textAt(["a"]), "3");
});
