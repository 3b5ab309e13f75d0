import assert from "node:assert/strict";
import { test } from "node:test";
import { sizeInWords, timeInWords } from "../../../src/runtime/quantities.ts";

test("durations are told in their two largest units", () => {
  const cases: readonly (readonly [number, string])[] = [
    [-5, "0 ms"],
    [0, "0 ms"],
    [250, "250 ms"],
    [999.6, "1 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [61_000, "1 min 1 s"],
    [11_520_000, "3 h 12 min"],
    [3_600_000, "1 h"],
    [86_400_000 * 3 + 3_600_000 * 4 + 60_000, "3 d 4 h"],
    [86_400_000 * 400, "400 d"],
  ];
  for (const [milliseconds, words] of cases) assert.equal(timeInWords(milliseconds), words);
});

test("sizes are told with at most one decimal", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1536, "1.5 KiB"],
    [12 * 1024 + 400, "12 KiB"],
    [50 * 1024 ** 2, "50 MiB"],
    [3 * 1024 ** 4, "3 TiB"],
    [5000 * 1024 ** 4, "5000 TiB"],
  ];
  for (const [bytes, words] of cases) assert.equal(sizeInWords(bytes), words);
});
