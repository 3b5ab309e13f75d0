import assert from "node:assert/strict";
import { test } from "node:test";
import type { DirectoryReader, DomainRecord } from "../../../../src/ports/directory.ts";
import { Directory } from "../../../../src/services/directory/directory.ts";
import { DOMAIN } from "../../../support/smtp-bench.ts";

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

test("a recipient is looked up once in a generation, and so is a name that is none", () => {
  const reader = new CountingReader();
  const directory = new Directory(reader);
  for (let n = 0; n < 3; n++) {
    assert.equal(ask(directory, "alice"), true);
    assert.equal(ask(directory, "nobody"), false);
  }
  assert.deepEqual(reader.asked, ["alice", "nobody"]);
});

test("a new generation is judged by its own lists, an older one still by the older", () => {
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

test("what is remembered is bounded", () => {
  const reader = new CountingReader();
  const directory = new Directory(reader);
  for (let n = 0; n <= 20_000; n++) ask(directory, `stranger${n}`);
  reader.asked = [];
  ask(directory, "stranger0");
  assert.deepEqual(reader.asked, ["stranger0"]);
});
