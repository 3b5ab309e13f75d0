import assert from "node:assert/strict";
import { test } from "node:test";
import { Ramp } from "../../../../../src/services/delivery/pool/ramp.ts";

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

test("half of the last 20 mails are too many, and nine are not", () => {
  for (const [putOff, limit] of [
    [9, MOST],
    [10, MOST / 2],
  ]) {
    const ramp = risen();
    // The first of them is forgotten by the end.
    for (let i = 0; i < 21; i++) ramp.pass(MOST, { took: 100, putOff: i === 0 || i > 20 - (putOff ?? 0) }, 0);
    assert.equal(ramp.limit(MOST, 0), limit, `${putOff}`);
  }
});

test("eight times as long as at best is too long, where that is more than 5 s", () => {
  for (const [best, took, limit] of [
    [100, 5000, MOST],
    [100, 5100, MOST / 2],
    [1000, 7900, MOST],
    [1000, 8100, MOST / 2],
  ] as const) {
    const ramp = new Ramp();
    for (let i = 0; i < 40; i++) ramp.pass(MOST, { took: best, putOff: false }, 0);
    for (let i = 0; i < 100 && ramp.limit(MOST, 0) === MOST; i++) ramp.pass(MOST, { took, putOff: false }, 0);
    assert.equal(ramp.limit(MOST, 0), limit, `${best} ${took}`);
  }
});

test("gets no more than it bears for a minute, then what it had; a reset makes it a canary", () => {
  const ramp = risen();
  ramp.cap(3, 0);
  assert.deepEqual([ramp.limit(MOST, 59_999), ramp.limit(MOST, 60_000)], [3, MOST]);
  ramp.cap(0, 0);
  assert.equal(ramp.limit(MOST, 0), 1);
  ramp.reset();
  assert.deepEqual([ramp.limit(MOST, 0), ramp.canary], [1, true]);
  ramp.pass(MOST, QUICK, 0);
  assert.deepEqual([ramp.limit(MOST, 0), ramp.canary], [2, false], "the cap is forgotten, too");
});

test("falls back when it ends a session by 421, never below one", () => {
  const ramp = risen();
  for (const limit of [10, 5, 2, 1, 1]) {
    ramp.halve(MOST, 0);
    assert.equal(ramp.limit(MOST, 0), limit);
  }
});
