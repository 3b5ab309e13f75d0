import assert from "node:assert/strict";
import { test } from "node:test";
import { duration, integer, readDuration, readSize, reserve, size } from "../../../src/config/quantities.ts";

test("durations, in ms", () => {
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

test("sizes, in bytes", () => {
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
  ];
  for (const [text, value] of cases) assert.equal(readSize(text), value, text);
});

test("bounds belong to the range", () => {
  assert.deepEqual(
    ["1s", "1h"].map((text) => duration("1s", "1h").parse(text)),
    [1000, 3_600_000],
  );
  assert.deepEqual(
    ["1KB", "2KB"].map((text) => size("1KB", "2KB").parse(text)),
    [1000, 2000],
  );
  assert.deepEqual(
    ["1", "9"].map((text) => integer(1, 9).parse(text)),
    [1, 9],
  );
  for (const text of ["999ms", "3601s"]) assert.equal(duration("1s", "1h").safeParse(text).success, false);
  for (const text of ["0", "10", "1.5", "-1", "0x5", " 5"])
    assert.equal(integer(1, 9).safeParse(text).success, false, text);
});

test("a reserve is a share or a size", () => {
  assert.deepEqual(reserve().parse("5%"), { percent: 5 });
  assert.deepEqual(reserve().parse("2.5 %"), { percent: 2.5 });
  assert.deepEqual(reserve().parse("0"), { bytes: 0 });
  assert.deepEqual(reserve().parse("2GB"), { bytes: 2e9 });
  assert.equal(reserve().safeParse("51%").success, false);
});
