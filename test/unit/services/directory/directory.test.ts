import assert from "node:assert/strict";
import { test } from "node:test";
import type { DirectoryWriter, StagedChange } from "../../../../src/ports/directory.ts";
import { Directory, DirectoryEditor } from "../../../../src/services/directory/directory.ts";
import { FakeDirectory, primaryAt } from "../../../support/fake-directory.ts";

/** A reader that counts how often it is asked for a domain. */
class CountingDirectory extends FakeDirectory {
  asked = 0;

  override domain(name: string): ReturnType<FakeDirectory["domain"]> {
    this.asked += 1;
    return super.domain(name);
  }
}

test("a domain is asked for once in a generation, unknown ones too", () => {
  const store = new CountingDirectory();
  store.set("a.test", [primaryAt("192.0.2.1", 25)]);
  const directory = new Directory(store);
  const generation = directory.generation();
  for (let i = 0; i < 3; i++) {
    assert.equal(directory.domain("a.test", generation)?.name, "a.test");
    assert.equal(directory.domain("b.test", generation), undefined);
  }
  assert.equal(store.asked, 2);
});

test("a new generation is seen at once; an older one is not mixed into it", () => {
  const store = new CountingDirectory();
  const directory = new Directory(store);
  const old = directory.generation();
  assert.equal(directory.domain("a.test", old), undefined);
  store.set("a.test", [primaryAt("192.0.2.1", 25)]);
  assert.equal(directory.domain("a.test", directory.generation())?.name, "a.test");
  directory.domain("a.test", old);
  assert.equal(store.asked, 3);
});

test("refresh forgets what changed without a generation", () => {
  const store = new CountingDirectory();
  const directory = new Directory(store);
  directory.domain("a.test", 1);
  directory.refresh();
  directory.domain("a.test", 1);
  assert.equal(store.asked, 2);
});

/** Records the order of verbs; a staged change waits for its word. */
class RecordingWriter {
  readonly calls: string[] = [];

  async stage(): Promise<StagedChange> {
    this.calls.push("stage");
    const result = { generation: 2, added: [], changed: [], draining: [], removed: [] };
    return {
      flip: async () => {
        this.calls.push("flip");
        return result;
      },
      discard: async () => void this.calls.push("discard"),
    };
  }

  async setPaused(): Promise<boolean> {
    this.calls.push("pause");
    return true;
  }
}

function editor(): { writer: RecordingWriter; editor: DirectoryEditor; changes: () => number } {
  const writer = new RecordingWriter();
  let count = 0;
  const edited = new DirectoryEditor(writer as unknown as DirectoryWriter, () => void count++);
  return { writer, editor: edited, changes: () => count };
}

test("other changes wait until a staged one is flipped", async () => {
  const { writer, editor: directory, changes } = editor();
  const pending = await directory.stage([]);
  const paused = directory.setPaused("a.test", true);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(writer.calls, ["stage"]);
  await pending.flip();
  await paused;
  assert.deepEqual(writer.calls, ["stage", "flip", "pause"]);
  assert.equal(changes(), 2);
});

test("a discarded change lets the next one in and changes nothing", async () => {
  const { writer, editor: directory, changes } = editor();
  await (await directory.stage([])).discard();
  await (await directory.stage([])).flip();
  assert.deepEqual(writer.calls, ["stage", "discard", "stage", "flip"]);
  assert.equal(changes(), 1);
});

test("a change that fails does not block the next", async () => {
  const { writer, editor: directory } = editor();
  writer.stage = async () => {
    throw new Error("a.test belongs to the API");
  };
  await assert.rejects(directory.stage([]), /belongs to the API/);
  assert.equal(await directory.setPaused("a.test", true), true);
});
