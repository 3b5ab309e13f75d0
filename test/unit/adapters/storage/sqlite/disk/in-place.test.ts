import assert from "node:assert/strict";
import { copyFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { FileReplaced, keptInPlace } from "../../../../../../src/adapters/storage/sqlite/disk/in-place.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";

it("throws for a file that was removed, renamed or replaced, and not for a file that was written", async () => {
  await using folder = await tempFolder();
  const [file, other] = [join(folder.path, "file"), join(folder.path, "other")];
  const acts: readonly (() => void)[] = [
    () => rmSync(file),
    () => renameSync(file, other),
    () => {
      copyFileSync(file, other);
      renameSync(other, file);
    },
  ];
  for (const act of acts) {
    writeFileSync(file, "");
    const require = keptInPlace(file);
    writeFileSync(file, "more");
    require();
    act();
    assert.throws(require, FileReplaced);
  }
});
