import assert from "node:assert/strict";
import { test } from "node:test";
import { duration, integer, reserve, size } from "../../../src/config/quantities.ts";

test("the bounds of a range are part of it", () => {
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
  assert.match(integer(1, 9).safeParse("9".repeat(20)).error?.message ?? "", /is too large/);
});

test("a reserve is a percentage or a size", () => {
  assert.deepEqual(reserve().parse("5%"), { percent: 5 });
  assert.deepEqual(reserve().parse("2.5 %"), { percent: 2.5 });
  assert.deepEqual(reserve().parse("0"), { bytes: 0 });
  assert.deepEqual(reserve().parse("2GB"), { bytes: 2e9 });
  assert.equal(reserve().safeParse("51%").success, false);
  assert.match(reserve().safeParse("5").error?.message ?? "", /"5\\" has no unit/);
  assert.match(reserve().safeParse("2.5").error?.message ?? "", /"2.5\\" is neither a percentage nor a size/);
});

test("the examples in a message lie within the bounds", () => {
  const told = (schema: ReturnType<typeof duration>): string => schema.safeParse("x").error?.message ?? "";
  assert.match(told(duration("1s", "3650d")), /such as 90s, 5m, 12h or 30d/);
  assert.match(told(duration("0s", "30s")), /such as 5s"/);
  assert.match(told(duration("10s", "7d")), /such as 90s, 5m or 12h"/);
  assert.match(told(size("64KiB", "2GB")), /such as 50MB or 64KiB"/);
  assert.match(told(size("128MiB", "1TB")), /such as 2GB"/);
});
