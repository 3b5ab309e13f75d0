import assert from "node:assert/strict";
import { test } from "node:test";
import { WrongUse } from "../../../src/cli/command.ts";
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
});

test("what is no time, or over, is told with what would be right", () => {
  for (const wrong of ["", "soon", "2", "2 weeks", "-1h", "0x10h", "2026-13-40", "12:00"])
    assert.throws(
      () => timeToCome("until", wrong, NOW),
      (error) => error instanceof WrongUse && /takes 90m/.test(error.message),
      wrong,
    );
  assert.throws(() => timeToCome("until", "2026-02-28", NOW), /is over already/);
});
