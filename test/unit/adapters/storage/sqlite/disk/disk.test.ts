import assert from "node:assert/strict";
import fs, { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename, join } from "node:path";
import { it } from "node:test";
import { writeDurably } from "../../../../../../src/adapters/storage/sqlite/disk/disk.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";

it("flushes a file that is replaced before it gets its name, and the folder after that", async (t) => {
  await using folder = await tempFolder();
  const file = join(folder.path, "note");
  writeFileSync(file, "before");
  const flushed: unknown[] = [];
  const { fsyncSync } = fs;
  const { mock } = t.mock.method(fs, "fsyncSync", (descriptor: number) => {
    const what = basename(readlinkSync(`/proc/self/fd/${descriptor}`));
    flushed.push([what, readdirSync(folder.path).toSorted(), readFileSync(file, "utf8")]);
    fsyncSync(descriptor);
  });
  t.after(() => {
    mock.restore();
    syncBuiltinESMExports();
  });
  syncBuiltinESMExports();
  writeDurably(file, "after");
  assert.deepEqual(flushed, [
    ["note.tmp", ["note", "note.tmp"], "before"],
    [basename(folder.path), ["note"], "after"],
  ]);
});
