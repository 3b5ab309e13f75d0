import assert from "node:assert/strict";
import { test } from "node:test";
import { readDuration, readSize, sizeInWords, timeInWords } from "../../../src/runtime/quantities.ts";

test("a duration is written in its two largest units", () => {
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

test("a size is written with at most one decimal", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1536, "1.5 KiB"],
    [12 * 1024 + 400, "12 KiB"],
    [50 * 1024 ** 2, "50 MiB"],
    [3 * 1024 ** 4, "3 TiB"],
    [5000 * 1024 ** 4, "5000 TiB"],
    [20_000_000_000, "20 GB"],
    [50_000_000, "50 MB"],
    [1_500_000_000, "1500 MB"],
    [1_000_000, "1 MB"],
    [50_000_001, "48 MiB"],
  ];
  for (const [bytes, words] of cases) assert.equal(sizeInWords(bytes), words);
});

test("a duration is parsed into milliseconds", () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ["0s", 0],
    ["250ms", 250],
    ["90s", 90_000],
    ["5m", 300_000],
    ["12h", 43_200_000],
    ["30d", 2_592_000_000],
    ["2w", 1_209_600_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["", undefined],
    ["5", undefined],
    ["m", undefined],
    ["-5m", undefined],
    ["5M", undefined],
    ["5 m", undefined],
    ["1y", undefined],
    ["5m!", undefined],
    ["1e3s", undefined],
  ];
  for (const [text, value] of cases) assert.equal(readDuration(text), value, text);
});

test("a size is parsed into bytes", () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ["0", 0],
    ["1024", 1024],
    ["7B", 7],
    ["50MB", 50_000_000],
    ["50mb", 50_000_000],
    ["64KiB", 65_536],
    ["64 KiB", 65_536],
    ["1.5GB", 1_500_000_000],
    ["1GiB", 1_073_741_824],
    ["1TB", 1e12],
    ["", undefined],
    ["50M", undefined],
    ["50XB", undefined],
    ["-1MB", undefined],
    ["MB", undefined],
    ["1,5MB", undefined],
    ["1.5", undefined],
    ["1.5B", undefined],
  ];
  for (const [text, value] of cases) assert.equal(readSize(text), value, text);
});
