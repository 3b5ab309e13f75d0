import assert from "node:assert/strict";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { doubtNote } from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";

test("the next start reads the noted time, and ignores a note that is not a time", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "doubted");
  const note = doubtNote(folder.path);
  assert.equal(note.read(), undefined);
  await note.write(1);
  await note.write(1_767_225_600_000);
  assert.equal(doubtNote(folder.path).read(), 1_767_225_600_000);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder.path), ["doubted"]);
  for (const text of ["", "\n", "soon", "Infinity"]) {
    writeFileSync(file, text);
    assert.equal(note.read(), undefined, text);
  }
});

test("writing a note to a missing folder rejects", async () => {
  await using folder = await tempFolder();
  await assert.rejects(doubtNote(join(folder.path, "gone")).write(1), { code: "ENOENT" });
});
