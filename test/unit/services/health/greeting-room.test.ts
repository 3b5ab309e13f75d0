import assert from "node:assert/strict";
import { test } from "node:test";
import { GreetingRoom } from "../../../../src/services/health/greeting-room.ts";

/** A room with 500 greetings of time 0, and those of them that gave way. */
function fullRoom() {
  const room = new GreetingRoom();
  const gaveWay: number[] = [];
  const greetings = Array.from({ length: 500 }, () => ({}));
  for (const [n, greeting] of greetings.entries())
    assert.ok(room.enter(greeting, 0, () => void gaveWay.push(n)));
  const enter = (now: number): boolean => room.enter({}, now, () => {});
  return { room, greetings, gaveWay, enter };
}

test("each greeting has ten seconds; then the oldest one gives way to each newcomer", () => {
  const { gaveWay, enter } = fullRoom();
  assert.equal(enter(9999), false);
  assert.deepEqual(gaveWay, []);
  assert.deepEqual([enter(10_000), enter(10_000)], [true, true]);
  assert.deepEqual(gaveWay, [0, 1]);
});

test("a greeting that has ended leaves its place to one newcomer", () => {
  const { room, greetings, gaveWay, enter } = fullRoom();
  room.leave(greetings[7] ?? {});
  assert.deepEqual([enter(0), enter(0)], [true, false]);
  assert.deepEqual(gaveWay, []);
});
