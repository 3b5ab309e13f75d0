import assert from "node:assert/strict";
import { test } from "node:test";
import { WaitingText } from "../../../src/runtime/waiting-text.ts";

test("text of any length and script is returned complete and in order, and nothing is left after clear", () => {
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

test("memory by which the buffer grew is released", () => {
  const waiting = new WaitingText(16);
  waiting.add("x".repeat(1000));
  const { buffer } = waiting.bytes;
  waiting.clear();
  waiting.add("y");
  assert.ok(buffer.byteLength >= 1000);
  assert.equal(waiting.bytes.buffer.byteLength, 16);
});
