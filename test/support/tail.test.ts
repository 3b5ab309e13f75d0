import assert from "node:assert/strict";
import { test } from "node:test";
import { Tail } from "./tail.ts";

test("returns the end of the output, however it was cut into chunks", () => {
  for (const size of [1, 3, 7, 10, 25]) {
    const tail = new Tail(10);
    let all = "";
    for (let n = 0; n < 100; n += 1) {
      const piece = String(n).padStart(size, ".");
      all += piece;
      tail.add(Buffer.from(piece));
      assert.equal(tail.text(), all.slice(-10));
    }
  }
});
