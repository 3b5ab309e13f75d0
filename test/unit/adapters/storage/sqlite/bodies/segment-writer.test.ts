/** Bodies are written while those before them are flushed; who waits hears in the order in which they came. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { SegmentWriter } from "../../../../../../src/adapters/storage/sqlite/bodies/segment-writer.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import { ended, holdFirst } from "../disk/file-faults.ts";

const BODY = Buffer.alloc(20_000, "x");

/** A writer of segments of 30,000 bytes, so that two bodies fill one, and what it did in its order. */
async function openWriter(): Promise<{
  readonly folder: string;
  readonly did: string[];
  append(name: string): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const temp = await tempFolder();
  const did: string[] = [];
  const begins = async (): Promise<void> => void did.push("begins");
  const writer = new SegmentWriter({ folder: temp.path, begins, size: 30_000 });
  return {
    folder: temp.path,
    did,
    append: async (name) => {
      const place = await writer.append([BODY], BODY.length);
      did.push(name);
      return place;
    },
    async [Symbol.asyncDispose]() {
      writer.close();
      await temp[Symbol.asyncDispose]();
    },
  };
}

describe("a body that comes while another is flushed", () => {
  it("is written at once, and durable with a flush of its own", async (t) => {
    await using writer = await openWriter();
    const flush = await holdFirst(t, "datasync");
    const written = await ended(t, "writev", 2);
    const one = writer.append("one");
    await flush.begun;
    const two = writer.append("two");
    await written.done;
    assert.deepEqual(writer.did, ["begins"]);
    flush.letGo();
    const places = await Promise.all([one, two]);
    const [name = "", ...others] = readdirSync(writer.folder);
    assert.deepEqual(others, []);
    assert.deepEqual(places, [`${name}@0`, `${name}@${BODY.length}`]);
    assert.equal(readFileSync(join(writer.folder, name)).length, 2 * BODY.length);
  });

  it("is refused with it where that fails, and the segment takes no more", async (t) => {
    await using writer = await openWriter();
    const flush = await holdFirst(t, "datasync");
    const written = await ended(t, "writev", 2);
    const one = assert.rejects(writer.append("one"), { code: "EIO" });
    await flush.begun;
    const two = assert.rejects(writer.append("two"), { code: "EIO" });
    await written.done;
    flush.fail("EIO");
    await Promise.all([one, two]);
    const place = await writer.append("three");
    assert.match(place, /@0$/);
    assert.deepEqual(writer.did, ["begins", "three"], "its name serves again, because it held nothing");
  });

  it("does not go to the next segment before those of this are durable", async (t) => {
    await using writer = await openWriter();
    const flush = await holdFirst(t, "datasync");
    const written = await ended(t, "writev", 2);
    const one = writer.append("one");
    await flush.begun;
    const two = writer.append("two");
    await written.done;
    const three = writer.append("three");
    await new Promise(setImmediate);
    assert.equal(readdirSync(writer.folder).length, 1);
    flush.letGo();
    await Promise.all([one, two, three]);
    assert.deepEqual(writer.did, ["begins", "one", "two", "begins", "three"]);
  });
});
