import assert from "node:assert/strict";
import { test } from "node:test";
import { andThen, remembered, whenAllKnown, whenKnown } from "../../../src/runtime/at-once.ts";

const double = (value: number): number => 2 * value;
const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

test("a remembered promise that has resolved is used at once, any other later", async () => {
  const one = remembered(Promise.resolve(1));
  assert.ok(whenKnown(one, double) instanceof Promise);
  await one;
  assert.equal(whenKnown(one, double), 2);
  const plain = Promise.resolve(3);
  await plain;
  assert.equal(await whenKnown(plain, double), 6);
  const late = whenAllKnown([one, plain], sum);
  assert.ok(late instanceof Promise);
  assert.equal(await late, 4);
  assert.equal(whenAllKnown([one, one], sum), 2);
  assert.equal(whenAllKnown([], sum), 0);
});

test("a rejected promise stays a promise", async () => {
  const failing = remembered(Promise.reject<number>(new Error("no")));
  await assert.rejects(async () => whenKnown(failing, double), /no/);
  await assert.rejects(async () => whenKnown(failing, double), /no/);
});

test("a present value is processed at once, a promised one when it resolves", async () => {
  assert.equal(andThen(1, double), 2);
  assert.equal(await andThen(Promise.resolve(1), double), 2);
  await assert.rejects(async () => andThen(Promise.reject(new Error("no")), double), /no/);
});
