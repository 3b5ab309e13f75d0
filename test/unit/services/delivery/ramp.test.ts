import assert from "node:assert/strict";
import { test } from "node:test";
import { Ramp } from "../../../../src/services/delivery/ramp.ts";

const QUICK = { took: 100, putOff: false };
const MOST = 20;

function risen(): Ramp {
  const ramp = new Ramp();
  for (let i = 0; i < 40; i++) ramp.pass(MOST, QUICK, 0);
  assert.equal(ramp.limit(MOST, 0), MOST);
  return ramp;
}

test("doubles with each round of mails, after the canary", () => {
  const ramp = new Ramp();
  const limits = Array.from({ length: 7 }, () => {
    ramp.pass(MOST, QUICK, 0);
    return ramp.limit(MOST, 0);
  });
  assert.deepEqual(limits, [2, 2, 4, 4, 4, 4, 8]);
});

test("falls back to half when half of the last mails were put off, and grows again after a minute", () => {
  const ramp = risen();
  for (let i = 0; i < 10; i++) ramp.pass(MOST, { took: 100, putOff: i % 2 === 0 }, 0);
  assert.equal(ramp.limit(MOST, 0), MOST);
  for (let i = 0; i < 10; i++) ramp.pass(MOST, { took: 100, putOff: true }, 0);
  assert.ok(ramp.limit(MOST, 0) <= MOST / 2);
  for (let i = 0; i < 100; i++) ramp.pass(MOST, QUICK, 30_000);
  assert.ok(ramp.limit(MOST, 30_000) <= MOST / 2);
  for (let i = 0; i < 100; i++) ramp.pass(MOST, QUICK, 61_000);
  assert.equal(ramp.limit(MOST, 61_000), MOST);
});

test("falls back when mails take much longer than at best", () => {
  const ramp = risen();
  for (let i = 0; i < 3; i++) ramp.pass(MOST, { took: 4000, putOff: false }, 0);
  assert.equal(ramp.limit(MOST, 0), MOST);
  for (let i = 0; i < 10; i++) ramp.pass(MOST, { took: 20_000, putOff: false }, 0);
  assert.ok(ramp.limit(MOST, 0) <= MOST / 2);
  const steady = new Ramp();
  for (let i = 0; i < 100; i++) steady.pass(MOST, { took: 20_000, putOff: false }, 0);
  assert.equal(steady.limit(MOST, 0), MOST, "a primary that is always slow is not crowded by us");
});

test("falls back when it ends a session by 421, never below one", () => {
  const ramp = risen();
  for (const limit of [10, 5, 2, 1, 1]) {
    ramp.halve(MOST, 0);
    assert.equal(ramp.limit(MOST, 0), limit);
  }
});
