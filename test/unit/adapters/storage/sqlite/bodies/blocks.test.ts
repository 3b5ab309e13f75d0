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
    // It was only lent.
    chunk.fill(0);
  }
}

describe("a body in blocks", () => {
  it("comes out as it went in, however it was cut, and in blocks that others had before", () => {
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

  it("takes nothing of a chunk for which there is no room", () => {
    const memory = new Blocks(3 * 4096);
    const [one, two] = [new HeldOctets(memory), new HeldOctets(memory)];
    assert.ok(one.add(Buffer.alloc(5000, 1)));
    assert.equal(two.add(Buffer.alloc(5000, 2)), false);
    assert.deepEqual(two.pieces(), []);
    assert.ok(two.add(Buffer.alloc(4096, 2)), "one block is left");
    assert.ok(one.add(Buffer.alloc(3192, 1)), "and what is in the own last one");
    assert.equal(one.add(Buffer.alloc(1)), false);
    two.release();
    assert.ok(one.add(Buffer.alloc(1)));
  });

  it("never has a block that another has", () => {
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
    assert.ok(new HeldOctets(memory).add(Buffer.alloc(64 * 4096)), "all came back");
  });

  for (const { size, given } of [
    { size: 768, given: false },
    { size: 784, given: true },
  ])
    it(`${given ? "gives" : "keeps"} the memory of ${size} ${given ? "back " : ""}once nobody holds any, and has as much for the next`, () => {
      const memory = new Blocks(size * 4096);
      const seen = new Set<unknown>();
      for (let crowd = 0; crowd < 3; crowd++) {
        const bodies = Array.from({ length: size }, () => new HeldOctets(memory));
        for (const body of bodies) assert.ok(body.add(Buffer.alloc(4096, crowd)));
        assert.equal(new HeldOctets(memory).add(Buffer.alloc(1)), false);
        const slabs = new Set(bodies.map((body) => body.pieces()[0]?.buffer));
        const known = [...slabs].filter((slab) => seen.has(slab)).length;
        assert.equal(known, given || crowd === 0 ? 0 : slabs.size, "slabs that a crowd before had");
        for (const slab of slabs) seen.add(slab);
        for (const body of bodies) body.release();
      }
      assert.ok(memory.has(size));
    });
});
