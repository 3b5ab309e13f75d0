import assert from "node:assert/strict";
import { test } from "node:test";
import { beginsWithDay, LAST_MOMENT } from "../../../src/runtime/moments.ts";

test("only days that exist in the calendar are parsed", () => {
  for (const day of ["2027-02-28", "2028-02-29T12:00", "2000-02-29", "9999-12-31 10:00"])
    assert.equal(beginsWithDay(day), true, day);
  for (const none of [
    "2027-02-29",
    "2027-02-30T08:00Z",
    "2027-04-31",
    "1900-02-29",
    "2027-13-01",
    "",
    "soon",
  ])
    assert.equal(beginsWithDay(none), false, none);
});

test("the last valid moment is the end of year 9999", () => {
  assert.equal(new Date(LAST_MOMENT).toISOString(), "9999-12-31T23:59:59.999Z");
});
