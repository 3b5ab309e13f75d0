import assert from "node:assert/strict";
import { test } from "node:test";
import { WaitingText } from "../../../src/runtime/waiting-text.ts";

test("text of any length and script waits whole, in its order, and nothing of it is left once it is cleared", () => {
  const waiting = new WaitingText(16);
  for (const texts of [
    ["short"],
    ["before", "é€😀".repeat(100), "", "behind"],
    ["0123456789abcdef"],
    ["x"],
  ]) {
    for (const text of texts) waiting.add(text);
    assert.equal(waiting.bytes.toString(), texts.join(""));
    assert.equal(waiting.length, Buffer.byteLength(texts.join("")));
    waiting.clear();
    assert.equal(waiting.length, 0);
  }
});

test("what it grew by is given back", () => {
  const waiting = new WaitingText(16);
  waiting.add("x".repeat(1000));
  const { buffer } = waiting.bytes;
  waiting.clear();
  waiting.add("y");
  assert.ok(buffer.byteLength >= 1000);
  assert.equal(waiting.bytes.buffer.byteLength, 16);
});
