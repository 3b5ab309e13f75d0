import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { Blocks, HeldOctets } from "../../../../../../src/adapters/storage/sqlite/bodies/blocks.ts";
import { seededRandom } from "../../../../../support/random.ts";

function fill(body: HeldOctets, octets: Buffer, size: () => number): void {
  for (let at = 0; at < octets.length;) {
    const chunk = Buffer.from(octets.subarray(at, at + size()));
    assert.ok(body.add(chunk));
    at += chunk.length;
    // The body must have copied the chunk.
    chunk.fill(0);
  }
}

describe("a body in blocks", () => {
  it("is returned unchanged, whatever its chunks, also in reused blocks", () => {
    const random = seededRandom(11);
    const memory = new Blocks(1 << 20);
    for (const [length, most] of [
      [1, 1],
      [4095, 700],
      [4096, 4096],
      [4097, 5000],
      [60_000, 1],
      [60_000, 20_000],
    ] as const) {
      const octets = randomBytes(length);
      const body = new HeldOctets(memory);
      fill(body, octets, () => 1 + random.below(most));
      assert.ok(Buffer.concat(body.pieces()).equals(octets));
      body.release();
      assert.deepEqual(body.pieces(), []);
    }
  });

  it("takes no part of a chunk for which there is no room", () => {
    const memory = new Blocks(3 * 4096);
    const [one, two] = [new HeldOctets(memory), new HeldOctets(memory)];
    assert.ok(one.add(Buffer.alloc(5000, 1)));
    assert.equal(two.add(Buffer.alloc(5000, 2)), false);
    assert.deepEqual(two.pieces(), []);
    assert.ok(two.add(Buffer.alloc(4096, 2)), "one block is left");
    assert.ok(one.add(Buffer.alloc(3192, 1)), "and the rest of its own last block is free");
    assert.equal(one.add(Buffer.alloc(1)), false);
    two.release();
    assert.ok(one.add(Buffer.alloc(1)));
  });

  it("never shares a block with another body", () => {
    const random = seededRandom(12);
    const memory = new Blocks(64 * 4096);
    let open: { body: HeldOctets; mark: number; size: number }[] = [];
    for (let mark = 1; mark < 250; mark++) {
      const body = new HeldOctets(memory);
      const size = 1 + random.below(20_000);
      if (body.add(Buffer.alloc(size, mark))) open.push({ body, mark, size });
      else open.splice(random.below(open.length), 1).forEach((gone) => gone.body.release());
      for (const { body: held, mark: own, size: whole } of open)
        assert.ok(Buffer.concat(held.pieces()).equals(Buffer.alloc(whole, own)));
    }
    open.forEach(({ body }) => body.release());
    assert.ok(new HeldOctets(memory).add(Buffer.alloc(64 * 4096)), "all blocks were returned");
  });

  for (const { size, given } of [
    { size: 768, given: false },
    { size: 784, given: true },
  ])
    it(`${given ? "frees" : "keeps"} the memory of ${size} blocks when all are released, and offers as many again`, () => {
      const memory = new Blocks(size * 4096);
      const seen = new Set<unknown>();
      for (let round = 0; round < 3; round++) {
        const bodies = Array.from({ length: size }, () => new HeldOctets(memory));
        for (const body of bodies) assert.ok(body.add(Buffer.alloc(4096, round)));
        assert.equal(new HeldOctets(memory).add(Buffer.alloc(1)), false);
        const slabs = new Set(bodies.map((body) => body.pieces()[0]?.buffer));
        const known = [...slabs].filter((slab) => seen.has(slab)).length;
        assert.equal(known, given || round === 0 ? 0 : slabs.size, "slabs that an earlier round used");
        for (const slab of slabs) seen.add(slab);
        for (const body of bodies) body.release();
      }
      assert.ok(memory.has(size));
    });
});
