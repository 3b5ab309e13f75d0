import assert from "node:assert/strict";
import { test } from "node:test";
import { doubtedAges } from "../../../src/daemon/doubted-ages.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { SILENT } from "../../support/silent-log.ts";

const DAY = 86_400_000;

test("ages are doubted for a day where the data folder lay unused for two, however often a thread begins", () => {
  const clock = new ManualClock();
  const told: string[] = [];
  const log = { ...SILENT, warn: (event: string) => void told.push(event) };
  const left = doubtedAges(clock.now() - 2 * DAY, { clock, log });
  assert.deepEqual([left(), told], [DAY, ["clock.doubted"]]);
  clock.advance(DAY / 4);
  assert.equal(left(), (DAY / 4) * 3);
  clock.advance(DAY);
  assert.equal(left(), 0);
});

test("ages are believed in a folder that is new, was used yesterday, or by a clock that was ahead", () => {
  const clock = new ManualClock();
  for (const lastUsed of [undefined, clock.now() - 2 * DAY + 1, clock.now() + 300 * DAY]) {
    const log = { ...SILENT, warn: () => assert.fail("nothing is doubted") };
    assert.equal(doubtedAges(lastUsed, { clock, log })(), 0);
  }
});
