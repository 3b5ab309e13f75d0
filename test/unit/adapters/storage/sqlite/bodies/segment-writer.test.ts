/** Bodies are written while earlier bodies are flushed; callers get their answers in the order of arrival. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { SegmentWriter } from "../../../../../../src/adapters/storage/sqlite/bodies/segment-writer.ts";
import { ChannelClosed } from "../../../../../../src/runtime/channel.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import { waitFor } from "../../../../../support/wait.ts";
import { ended, failAt, holdFirst, openAs } from "../disk/file-faults.ts";

const BODY = Buffer.alloc(20_000, "x");

/** A segment writer that records what it did, in order, and returns the places of bodies. */
interface Writer extends AsyncDisposable {
  readonly folder: string;
  readonly did: string[];
  append(name: string): Promise<string>;
  close(): void;
}

/** Opens a writer with segments of 30,000 bytes, so that two bodies fill one. */
async function openWriter(): Promise<Writer> {
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
    close: () => writer.close(),
    async [Symbol.asyncDispose]() {
      writer.close();
      await temp[Symbol.asyncDispose]();
    },
  };
}

/** Holds the flush of a first body while a second body is written. */
async function whileFlushing(t: TestContext, writer: Writer) {
  const flush = await holdFirst(t, "datasync");
  const written = await ended(t, "writev", 2);
  const one = writer.append("one");
  await flush.begun;
  const two = writer.append("two");
  await written.done;
  return { flush, one, two };
}

describe("a body that arrives while another is flushed", () => {
  it("is written at once, to the same segment, and answered after the first body", async (t) => {
    await using writer = await openWriter();
    const { flush, one, two } = await whileFlushing(t, writer);
    assert.deepEqual(writer.did, ["begins"]);
    flush.letGo();
    const places = await Promise.all([one, two]);
    const [name = "", ...others] = readdirSync(writer.folder);
    assert.deepEqual(others, []);
    assert.deepEqual(places, [`${name}@0`, `${name}@${BODY.length}`]);
    assert.equal(readFileSync(join(writer.folder, name)).length, 2 * BODY.length);
  });

  it("is refused, too, if that flush fails, and the segment takes no more bodies", async (t) => {
    await using writer = await openWriter();
    const { flush, one, two } = await whileFlushing(t, writer);
    const both = [one, two].map((body) => assert.rejects(body, { code: "EIO" }));
    flush.fail("EIO");
    await Promise.all(both);
    const place = await writer.append("three");
    assert.match(place, /@0$/);
    assert.deepEqual(writer.did, ["begins", "three"], "the file is reused, because it held nothing");
  });

  it("is refused if that flush fails before its own write succeeds", async (t) => {
    await using writer = await openWriter();
    const flush = await holdFirst(t, "datasync");
    const one = writer.append("one");
    await flush.begun;
    const write = await holdFirst(t, "writev");
    const two = writer.append("two");
    await write.begun;
    const refused = [one, two].map((body) => assert.rejects(body, { code: "EIO" }));
    flush.fail("EIO");
    await refused[0];
    write.letGo();
    await refused[1];
    assert.deepEqual(writer.did, ["begins"]);
  });

  it("does not affect the flushed body if its own write fails", async (t) => {
    await using writer = await openWriter();
    const flush = await holdFirst(t, "datasync");
    const one = writer.append("one");
    await flush.begun;
    await failAt(t, { method: "writev", nth: 1, code: "ENOSPC" });
    await assert.rejects(writer.append("two"), { code: "ENOSPC" });
    const three = writer.append("three");
    flush.letGo();
    const places = (await Promise.all([one, three])).map((place) => place.split("@"));
    assert.deepEqual(writer.did, ["begins", "one", "begins", "three"]);
    assert.deepEqual([places[0]?.[1], places[1]?.[1]], ["0", "0"]);
    assert.notEqual(places[0]?.[0], places[1]?.[0]);
  });

  it("goes to the next segment only when the bodies of the full segment are durable", async (t) => {
    await using writer = await openWriter();
    const { flush, one, two } = await whileFlushing(t, writer);
    const three = writer.append("three");
    await new Promise(setImmediate);
    assert.equal(readdirSync(writer.folder).length, 1);
    flush.letGo();
    await Promise.all([one, two, three]);
    assert.deepEqual(writer.did, ["begins", "one", "two", "begins", "three"]);
  });
});

it("a segment whose name cannot be flushed is closed, and its file is reused", async (t) => {
  await using writer = await openWriter();
  await failAt(t, { method: "sync", nth: 1, code: "EIO" });
  await assert.rejects(writer.append("one"), { code: "EIO" });
  const [name = assert.fail("no segment was made")] = readdirSync(writer.folder);
  assert.deepEqual(openAs(name), []);
  assert.equal(await writer.append("two"), `${name}@0`);
});

it("repeated failures to make a segment leave only one file and report it once", async (t) => {
  await using writer = await openWriter();
  for (const name of ["one", "two"]) await writer.append(name);
  for (let time = 0; time < 3; time++) {
    await failAt(t, { method: "sync", nth: 1, code: "EIO" });
    await assert.rejects(writer.append("more"), { code: "EIO" });
  }
  assert.deepEqual(writer.did, ["begins", "one", "two", "begins"]);
  assert.equal(readdirSync(writer.folder).length, 2);
});

it("a segment is not made before the store has recorded it", async () => {
  await using temp = await tempFolder();
  const known = Promise.withResolvers<void>();
  const writer = new SegmentWriter({ folder: temp.path, begins: () => known.promise, size: 30_000 });
  const refused = assert.rejects(writer.append([BODY], BODY.length), ChannelClosed);
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  known.reject(new ChannelClosed());
  await refused;
  assert.deepEqual(readdirSync(temp.path), []);
});

describe("bodies that arrive together", () => {
  it("are written in one call", async (t) => {
    await using writer = await openWriter();
    await failAt(t, { method: "writev", nth: 1, code: "ENOSPC" });
    const both = [writer.append("one"), writer.append("two")];
    for (const body of both) await assert.rejects(body, { code: "ENOSPC" });
  });

  it("are written at most 4 MiB at a time", async (t) => {
    await using temp = await tempFolder();
    const body = Buffer.alloc(1 << 20, "x");
    const writer = new SegmentWriter({ folder: temp.path, begins: async () => {}, size: 1 << 25 });
    await failAt(t, { method: "writev", nth: 2, code: "ENOSPC" });
    const ends = await Promise.allSettled([1, 2, 3, 4, 5].map(() => writer.append([body], body.length)));
    writer.close();
    const [, , , fourth, fifth] = ends.map(({ status }) => status);
    assert.deepEqual([fourth, fifth], ["fulfilled", "rejected"]);
  });
});

describe("a segment", () => {
  for (const when of ["while nothing is written", "while a body is written"])
    it(`is closed when the store ends ${when}`, async () => {
      await using writer = await openWriter();
      const [name = ""] = (await writer.append("one")).split("@");
      const two = when === "while a body is written" ? writer.append("two") : undefined;
      writer.close();
      await two;
      await waitFor({ what: "the segment to be closed", deadline: 20_000 }, () => openAs(name).length === 0);
    });
});

describe("when the store ends, a segment writer", () => {
  it("refuses later bodies, and keeps the durable ones", async () => {
    await using writer = await openWriter();
    const [name = ""] = (await writer.append("one")).split("@");
    writer.close();
    const late = [writer.append("late"), writer.append("later")];
    for (const body of late) await assert.rejects(body, ChannelClosed);
    assert.equal(readFileSync(join(writer.folder, name)).length, BODY.length);
    assert.deepEqual(writer.did, ["begins", "one"]);
  });

  it("still writes a body that arrived just before, after the body that is being flushed", async (t) => {
    await using writer = await openWriter();
    const flush = await holdFirst(t, "datasync");
    const one = writer.append("one");
    await flush.begun;
    const two = writer.append("two");
    writer.close();
    flush.letGo();
    const places = await Promise.all([one, two]);
    const [name = "", ...others] = readdirSync(writer.folder);
    assert.deepEqual(others, []);
    assert.deepEqual(places, [`${name}@0`, `${name}@${BODY.length}`]);
    assert.equal(readFileSync(join(writer.folder, name)).length, 2 * BODY.length);
  });

  it("still writes all bodies that arrived before, also to the next segment", async (t) => {
    await using writer = await openWriter();
    const { flush, one, two } = await whileFlushing(t, writer);
    const three = writer.append("three");
    writer.close();
    flush.letGo();
    const names = (await Promise.all([one, two, three])).map((place) => place.split("@")[0] ?? "");
    assert.deepEqual(new Set(names), new Set(readdirSync(writer.folder)));
  });
});
