import assert from "node:assert/strict";
import { test } from "node:test";
import { Stress, tightened } from "../../../../src/endpoints/smtp/stress.ts";
import { LIMITS, SETTINGS } from "../../../support/smtp-bench.ts";

test("begins at four fifths, ends below seven tenths", () => {
  const stress = new Stress();
  const limits = { ...LIMITS, connections: 100 };
  const seen = [79, 80, 75, 70, 69, 79, 80].map((open) => [stress.look(open, limits), stress.on]);
  assert.deepEqual(seen, [
    [false, false],
    [true, true],
    [false, true],
    [false, true],
    [true, false],
    [false, false],
    [true, true],
  ]);
});

test("tightens, never loosens, and follows new settings", () => {
  const strict = { ...LIMITS, commandTimeout: 1000, errors: 1, connectionsPerClient: 2 };
  assert.deepEqual(
    [tightened(strict).commandTimeout, tightened(strict).errors, tightened(strict).connectionsPerClient],
    [1000, 1, 2],
  );
  const stress = new Stress();
  assert.equal(stress.settingsOf(SETTINGS), SETTINGS);
  stress.look(LIMITS.connections, LIMITS);
  const during = stress.settingsOf(SETTINGS);
  assert.equal(during.limits.commandTimeout, 10_000);
  assert.equal(stress.settingsOf(SETTINGS), during);
  assert.equal(stress.settingsOf({ ...SETTINGS, hostname: "new.us" }).hostname, "new.us");
});
