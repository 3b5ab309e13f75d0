import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  DeclaredDomain,
  DirectoryReader,
  DirectoryWriter,
  DomainRecord,
  DomainSettings,
  DeclareResult,
} from "../../../../src/ports/directory.ts";
import { Directory, DirectoryEditor } from "../../../../src/services/directory/directory.ts";
import { FakeDirectory, primaryAt } from "../../../support/fake-directory.ts";
import { DOMAIN } from "../../../support/smtp-settings.ts";

/** A reader that counts how often it is asked for a domain. */
class CountingDirectory extends FakeDirectory {
  asked = 0;

  override domain(name: string): ReturnType<FakeDirectory["domain"]> {
    this.asked += 1;
    return super.domain(name);
  }
}

test("a domain is read once in a generation, even an unknown one", () => {
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

test("made-up names do not evict our own domains from the cache", () => {
  const store = new CountingDirectory();
  const directory = new Directory(store);
  for (let n = 0; n < 10_000; n++) directory.domain(`${n}.example`, 0);
  for (const name of ["0.example", "a.test", "a.test"]) directory.domain(name, 0);
  assert.equal(store.asked, 10_001);
  directory.domain("0.example", 0);
  assert.equal(store.asked, 10_002, "the caches are bounded");
});

test("a new generation is visible at once; an older one is not mixed into it", () => {
  const store = new CountingDirectory();
  const directory = new Directory(store);
  const old = directory.generation();
  assert.equal(directory.domain("a.test", old), undefined);
  store.set("a.test", [primaryAt("192.0.2.1", 25)]);
  assert.equal(directory.domain("a.test", directory.generation())?.name, "a.test");
  directory.domain("a.test", old);
  assert.equal(store.asked, 3);
});

test("refresh clears what changed without a new generation", () => {
  const store = new CountingDirectory();
  const directory = new Directory(store);
  directory.domain("a.test", 1);
  directory.refresh();
  directory.domain("a.test", 1);
  assert.equal(store.asked, 2);
});

/** Records the order of verbs; a declaration waits for the test's word. */
class RecordingWriter {
  readonly calls: string[] = [];
  readonly directory = new FakeDirectory();

  readonly word = Promise.withResolvers<void>();

  async declare(): Promise<DeclareResult> {
    this.calls.push("declare");
    await this.word.promise;
    this.calls.push("declared");
    return {
      generation: 2,
      added: ["new.test"],
      changed: ["other.test"],
      draining: [],
      removed: ["old.test"],
    };
  }

  drained: readonly string[] = [];

  async retire(): Promise<readonly string[]> {
    return this.drained;
  }

  async endPauses(): Promise<readonly string[]> {
    return [];
  }

  async changeDomain(name: string, settings: DomainSettings): Promise<boolean> {
    await new Promise((resolve) => setImmediate(resolve));
    this.directory.set(name, settings.primaries, { settings });
    return true;
  }

  async setPaused(): Promise<boolean> {
    this.calls.push("pause");
    return true;
  }
}

function editor(): { writer: RecordingWriter; editor: DirectoryEditor; told: (readonly string[])[] } {
  const writer = new RecordingWriter();
  const told: (readonly string[])[] = [];
  const edited = new DirectoryEditor(writer as unknown as DirectoryWriter, writer.directory);
  edited.onChange((domains) => void told.push(domains));
  return { writer, editor: edited, told };
}

test("other changes wait until a declaration has ended", async () => {
  const { writer, editor: directory, told } = editor();
  const declared = directory.declare([]);
  const paused = directory.setPaused("a.test", true);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(writer.calls, ["declare"]);
  writer.word.resolve();
  await Promise.all([declared, paused]);
  assert.deepEqual(writer.calls, ["declare", "declared", "pause"]);
  assert.deepEqual(told, [["new.test", "other.test", "old.test"], ["a.test"]]);
});

test("of two simultaneous changes of a domain, each keeps what the other changed", async () => {
  const { writer, editor: directory, told } = editor();
  writer.directory.set("a.test", []);
  const changes = [{ callout: true }, { tagSeparator: "-" }, { quota: { messages: 5 } }];
  const settling = changes.map((change) =>
    directory.changeDomain("a.test", ({ settings }) => ({ ...settings, ...change })),
  );
  assert.deepEqual(await Promise.all(settling), [true, true, true]);
  const { callout, tagSeparator, quota } = writer.directory.domain("a.test")?.settings ?? {};
  assert.deepEqual({ callout, tagSeparator, quota }, Object.assign({}, ...changes));
  assert.deepEqual(told, [["a.test"], ["a.test"], ["a.test"]]);
});

test("a change of an unknown domain, or one that is not allowed, changes nothing", async () => {
  const { writer, editor: directory, told } = editor();
  assert.equal(await directory.changeDomain("b.test", ({ settings }) => settings), false);
  writer.directory.set("a.test", []);
  const before = writer.directory.generation();
  const refuse = (): never => {
    throw new Error("it is declared");
  };
  await assert.rejects(directory.changeDomain("a.test", refuse), /^Error: it is declared$/);
  assert.equal(writer.directory.generation(), before);
  assert.ok(!told.flat().includes("a.test"));
});

test("retire reports a change only if a domain was removed", async () => {
  const { writer, editor: directory, told } = editor();
  assert.deepEqual(await directory.retire(), []);
  assert.deepEqual(told, []);
  writer.drained = ["old.test"];
  assert.deepEqual(await directory.retire(), ["old.test"]);
  assert.deepEqual(told, [["old.test"]]);
});

test("a change that fails does not block the next", async () => {
  const { writer, editor: directory } = editor();
  writer.declare = async () => {
    throw new Error("a.test belongs to the API");
  };
  await assert.rejects(directory.declare([]), /belongs to the API/);
  assert.equal(await directory.setPaused("a.test", true), true);
});

/** Counts how often it is asked for a recipient. */
class CountingReader implements DirectoryReader {
  newest = 1;
  known = new Set(["alice"]);
  asked: string[] = [];

  generation(): number {
    return this.newest;
  }
  domain(name: string): DomainRecord {
    return { name, origin: "file", settings: DOMAIN, paused: false, draining: false };
  }
  names(): readonly string[] {
    return [];
  }
  recipient(_record: DomainRecord, local: string): ReturnType<DirectoryReader["recipient"]> {
    this.asked.push(local);
    return this.known.has(local) ? { pattern: local, origin: "file" } : undefined;
  }
  close(): void {}
}

function ask(directory: Directory, local: string, generation = directory.generation()): boolean {
  const record = directory.domain("our.test", generation);
  return record !== undefined && directory.recipient(record, local) !== undefined;
}

test("a recipient is read once in a generation, even an unknown one", () => {
  const reader = new CountingReader();
  const directory = new Directory(reader);
  for (let n = 0; n < 3; n++) {
    assert.equal(ask(directory, "alice"), true);
    assert.equal(ask(directory, "nobody"), false);
  }
  assert.deepEqual(reader.asked, ["alice", "nobody"]);
});

test("a new generation uses its own lists, an older one still the older lists", () => {
  const reader = new CountingReader();
  const directory = new Directory(reader);
  const old = directory.domain("our.test", 1);
  assert.equal(ask(directory, "bob"), false);
  reader.newest = 2;
  reader.known.add("bob");
  assert.equal(ask(directory, "bob"), true);
  // What the reader says of the older record is not taken for the newer one, nor the other way round.
  assert.ok(old !== undefined);
  directory.recipient(old, "bob");
  assert.equal(reader.asked.length, 3);
  assert.equal(ask(directory, "bob"), true);
  assert.equal(reader.asked.length, 3);
});

test("the caches are bounded", () => {
  const reader = new CountingReader();
  const directory = new Directory(reader);
  for (let n = 0; n <= 20_000; n++) ask(directory, `stranger${n}`);
  reader.asked = [];
  ask(directory, "stranger0");
  assert.deepEqual(reader.asked, ["stranger0"]);
});

test("a change that failed is reported with the next one that succeeds, because it may be on the disk", async () => {
  const { writer, editor: directory, told } = editor();
  const failed = new Error("the disk is full");
  writer.setPaused = () => Promise.reject(failed);
  writer.endPauses = () => Promise.reject(failed);
  await assert.rejects(directory.setPaused("a.test", true), failed);
  await assert.rejects(directory.endPauses(), failed);
  assert.deepEqual(told, []);
  writer.endPauses = async () => [];
  await directory.endPauses();
  await directory.endPauses();
  assert.deepEqual(told, [["a.test"]]);
});

test("the domains of a declaration that failed are reported with the next change", async () => {
  const { writer, editor: directory, told } = editor();
  writer.declare = () => Promise.reject(new Error("the disk is full"));
  const domain = { name: "a.test", settings: { primaries: [] } } as unknown as DeclaredDomain;
  await assert.rejects(directory.declare([domain]), /full/);
  await directory.setPaused("b.test", true);
  assert.deepEqual(told, [["b.test", "a.test"]]);
});
