import assert from "node:assert/strict";
import { test } from "node:test";
import { Stress, tightened } from "../../../../src/endpoints/smtp/stress.ts";
import { LIMITS, SETTINGS, STRESS } from "../../../support/smtp-settings.ts";

test("begins at four fifths, ends below seven tenths", () => {
  const stress = new Stress();
  const settings = { ...SETTINGS, limits: { ...LIMITS, connections: 100 } };
  const look = (open: number): boolean => stress.look({ open, memory: 0 }, settings);
  const seen = [79, 80, 75, 70, 69, 79, 80].map((open) => [look(open), stress.on]);
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
  const limits = tightened(strict, STRESS);
  assert.deepEqual([limits.commandTimeout, limits.errors, limits.connectionsPerClient], [1000, 1, 2]);
  // However few connections there may be, every client may have one.
  assert.equal(tightened({ ...LIMITS, connections: 1 }, STRESS).connectionsPerClient, 1);
  const stress = new Stress();
  assert.equal(stress.settingsOf(SETTINGS), SETTINGS);
  stress.look({ open: LIMITS.connections, memory: 0 }, SETTINGS);
  const during = stress.settingsOf(SETTINGS);
  assert.equal(during.limits.commandTimeout, 10_000);
  assert.equal(stress.settingsOf(SETTINGS), during);
  assert.equal(stress.settingsOf({ ...SETTINGS, hostname: "new.us" }).hostname, "new.us");
});

test("memory: stress before it is used up, nobody new when it is", () => {
  const stress = new Stress();
  const settings = { ...SETTINGS, limits: { ...LIMITS, memory: 1000 } };
  const connections = (memory: number): number => {
    stress.look({ open: 0, memory }, settings);
    return stress.settingsOf(settings).limits.connections;
  };
  const places = LIMITS.connections;
  assert.deepEqual([799, 800, 1000, 999, 699].map(connections), [places, places, 0, places, places]);
  assert.equal(stress.on, false);
});
