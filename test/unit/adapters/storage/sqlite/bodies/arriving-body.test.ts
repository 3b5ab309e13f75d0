/** No other mail can change a body, from its first octet until the store has answered. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ArrivingBody,
  type BodyPlaces,
} from "../../../../../../src/adapters/storage/sqlite/bodies/arriving-body.ts";
import { Blocks } from "../../../../../../src/adapters/storage/sqlite/bodies/blocks.ts";
import { SegmentWriter } from "../../../../../../src/adapters/storage/sqlite/bodies/segment-writer.ts";
import { bodyOf, claimOne, fillBody, newMail } from "../../../../../contract/mails.ts";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";

/** The number of blocks in the memory of a case. */
const BLOCKS = 4;

async function openPlaces() {
  const temp = await tempFolder();
  const folder = temp.path;
  const segments = new SegmentWriter({ folder, begins: async () => {}, size: 1 << 20 });
  const memory = new Blocks(BLOCKS * 4096);
  const places: BodyPlaces = { memory, folder, segments, failed: assert.fail, rowLimit: 100, heldLimit: 200 };
  return {
    memory,
    open: () => new ArrivingBody(places),
    async [Symbol.asyncDispose]() {
      segments.close();
      await temp[Symbol.asyncDispose]();
    },
  };
}

describe("a body", () => {
  for (const [where, size] of [
    ["a row", 5000],
    ["a segment", 40_000],
    ["a file", 200_000],
  ] as const)
    it(`that is being stored in ${where} does not change when its client aborts it`, async () => {
      await using store = await openSqliteStore();
      const body = await fillBody(store.intake, Buffer.alloc(size, "own "));
      const answer = store.intake.accept(newMail(store.clock.now()), body);
      body.abort();
      const other = await fillBody(store.intake, Buffer.alloc(size, "other "));
      assert.deepEqual(await answer, { kind: "accepted" });
      body.abort();
      other.abort();
      assert.ok((await bodyOf(await claimOne(store))).equals(Buffer.alloc(size, "own ")));
    });

  it("is copied for a reader, who may keep the octets longer than the body exists", async () => {
    await using places = await openPlaces();
    const body = places.open();
    void body.write(Buffer.alloc(150, "own "));
    const seen: Buffer[] = [];
    for await (const piece of body.read()) seen.push(piece);
    body.abort();
    void places.open().write(Buffer.alloc(150, "other "));
    assert.ok(Buffer.concat(seen).equals(Buffer.alloc(150, "own ")));
  });

  it("uses no memory after it is complete or aborted", async () => {
    await using places = await openPlaces();
    const [complete, gone] = [places.open(), places.open()];
    complete.finish();
    gone.abort();
    for (const body of [complete, gone])
      await assert.rejects(async () => await body.write(Buffer.alloc(1)), /closed/);
    assert.ok(places.memory.has(BLOCKS));
  });

  for (const { size, place } of [
    { size: 100, place: undefined },
    { size: 101, place: /@0$/ },
    { size: 200, place: /@0$/ },
    { size: 201, place: /^[0-9a-f]{32}$/ },
  ])
    it(`of ${size} octets is stored by its size: rows up to 100, segments up to 200, then files`, async () => {
      await using places = await openPlaces();
      const body = places.open();
      void body.write(Buffer.alloc(100));
      void body.write(Buffer.alloc(size - 100));
      const stored = await body.finish();
      if (place === undefined) assert.equal(stored, undefined);
      else assert.match(stored?.spool ?? "", place);
      body.close(true);
    });
});
