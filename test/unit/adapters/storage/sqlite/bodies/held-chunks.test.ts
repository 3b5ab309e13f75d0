import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { HeldChunks } from "../../../../../../src/adapters/storage/sqlite/bodies/held-chunks.ts";
import { seededRandom } from "../../../../../support/random.ts";

function pieces(octets: Buffer, size: () => number): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < octets.length;) {
    const part = octets.subarray(at, at + size());
    parts.push(part);
    at += part.length;
  }
  return parts;
}

function hold(chunks: readonly Buffer[]): HeldChunks {
  const held = new HeldChunks();
  for (const chunk of chunks) held.add(chunk);
  return held;
}

/** Bytes of all memory that these chunks keep, and 500 for each block of it. */
function cost(chunks: readonly Buffer[]): number {
  const blocks = new Set(chunks.map(({ buffer }) => buffer));
  return [...blocks].reduce((sum, { byteLength }) => sum + byteLength + 500, 0);
}

describe("chunks that wait", () => {
  it("come out as they went in, however they were cut", () => {
    const random = seededRandom(7);
    const octets = randomBytes(100_000);
    for (const most of [1, 2, 600, 5000, 20_000]) {
      const held = hold(pieces(octets, () => 1 + random.below(most)));
      assert.ok(Buffer.concat(held.take()).equals(octets));
      assert.ok(held.empty);
      assert.deepEqual(held.take(), []);
    }
  });

  it("cost little more than they have bytes, also octet by octet and beside large ones", () => {
    const octets = randomBytes(64 * 1024);
    let turn = 0;
    for (const size of [() => 1, () => 100, () => 511, () => ((turn += 1) % 2 === 0 ? 1 : 512)]) {
      const kept = cost(hold(pieces(octets, size)).take());
      assert.ok(kept < 4.5 * octets.length, `${kept} bytes`);
    }
  });

  it("are copies: what they were copied from may change", () => {
    for (const size of [100, 5000]) {
      const chunk = Buffer.alloc(size, "a");
      const held = hold([chunk]);
      chunk.fill("b");
      assert.ok(held.take()[0]?.equals(Buffer.alloc(size, "a")));
    }
  });

  it("do not keep a large buffer alive", () => {
    const [window] = hold([Buffer.allocUnsafeSlow(100_000).subarray(0, 1000)]).take();
    assert.equal(window?.buffer.byteLength, 1000);
  });
});
