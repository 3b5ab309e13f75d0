import assert from "node:assert/strict";
import fs, { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename, join } from "node:path";
import { it, type TestContext } from "node:test";
import { makePrivateFolder, writeDurably } from "../../../../../../src/adapters/storage/sqlite/disk/disk.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";

/** `seen` is called with each file or folder, just before it is flushed. */
function watchFlushes(t: TestContext, seen: (path: string) => void): void {
  const { fsyncSync } = fs;
  const { mock } = t.mock.method(fs, "fsyncSync", (descriptor: number) => {
    seen(readlinkSync(`/proc/self/fd/${descriptor}`));
    fsyncSync(descriptor);
  });
  t.after(() => {
    mock.restore();
    syncBuiltinESMExports();
  });
  syncBuiltinESMExports();
}

it("flushes the name of each folder that it makes", async (t) => {
  await using folder = await tempFolder();
  const flushed: unknown[] = [];
  watchFlushes(t, (path) => flushed.push([path, readdirSync(path)]));
  const upper = join(folder.path, "upper");
  makePrivateFolder(join(upper, "data"));
  assert.deepEqual(flushed, [
    [folder.path, ["upper"]],
    [upper, ["data"]],
  ]);
});

it("flushes a file that is replaced before it gets its name, and the folder after that", async (t) => {
  await using folder = await tempFolder();
  const file = join(folder.path, "note");
  writeFileSync(file, "before");
  const flushed: unknown[] = [];
  watchFlushes(t, (path) =>
    flushed.push([basename(path), readdirSync(folder.path).toSorted(), readFileSync(file, "utf8")]),
  );
  writeDurably(file, "after");
  assert.deepEqual(flushed, [
    ["note.tmp", ["note", "note.tmp"], "before"],
    [basename(folder.path), ["note"], "after"],
  ]);
});
