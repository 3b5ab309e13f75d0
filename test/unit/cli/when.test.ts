import assert from "node:assert/strict";
import { test } from "node:test";
import { WrongUse } from "../../../src/cli/command.ts";
import { timeWithZone } from "../../../src/cli/terminal.ts";
import { timeToCome } from "../../../src/cli/when.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");

test("a time to come is a span from now, or a date", () => {
  assert.equal(timeToCome("until", "90min", NOW), NOW + 90 * 60_000);
  assert.equal(timeToCome("until", "2h", NOW), NOW + 2 * 3_600_000);
  assert.equal(timeToCome("until", "3 d", NOW), NOW + 3 * 86_400_000);
  assert.equal(timeToCome("until", "1 h 30 min", NOW), NOW + 90 * 60_000, "as the tool writes it");
  assert.equal(timeToCome("until", "2026-03-02T08:00Z", NOW), Date.parse("2026-03-02T08:00:00Z"));
  assert.equal(timeToCome("until", "2026-03-02", NOW), new Date(2026, 2, 2).getTime(), "local midnight");
  assert.equal(timeToCome("until", "2026-03-02 08:00Z", NOW), Date.parse("2026-03-02T08:00:00Z"));
  const written = timeWithZone(Date.parse("2026-03-02T08:00:05Z"));
  assert.equal(timeToCome("until", written, NOW), Date.parse("2026-03-02T08:00:05Z"), written);
});

test("what is no time, or over, is told with what would be right", () => {
  for (const wrong of ["", "soon", "2", "2 weeks", "-1h", "0x10h", "2026-12-31T25:00", "12:00"])
    assert.throws(
      () => timeToCome("until", wrong, NOW),
      (error) => error instanceof WrongUse && /takes 90m/.test(error.message),
      wrong,
    );
  assert.throws(() => timeToCome("until", "2026-02-28", NOW), /is over already/);
  for (const day of ["2027-02-30", "2027-02-29", "2027-13-01", "2027-00-10", "2027-01-32"])
    for (const text of [day, `${day}T08:00Z`, `${day} 08:00`])
      assert.throws(
        () => timeToCome("until", text, NOW),
        (error) => error instanceof WrongUse && error.message === `--until: there is no day ${day}`,
        text,
      );
  assert.equal(timeToCome("until", "2028-02-29T00:00Z", NOW), Date.UTC(2028, 1, 29));
});

test("no time lies beyond the year 9999", () => {
  const last = "9999-12-31T23:59:59.999Z";
  assert.equal(timeToCome("until", last, NOW), Date.parse(last));
  for (const far of ["100000000d", "999999999w999999999w", "9999-12-31T23:59-00:01"])
    assert.throws(
      () => timeToCome("until", far, NOW),
      (error) =>
        error instanceof WrongUse && /leads beyond the year 9999; without --until /.test(error.message),
      far,
    );
});
