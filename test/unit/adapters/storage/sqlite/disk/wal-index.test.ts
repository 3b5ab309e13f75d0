import assert from "node:assert/strict";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { WalIndex } from "../../../../../../src/adapters/storage/sqlite/disk/wal-index.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";

const INDEX = Buffer.alloc(32_768, "x");
/** The index after its number of copied frames is reset. */
const FORGOTTEN = Buffer.from(INDEX).fill(0, 96, 100);

it("resets only the number of copied frames, in the current index file, even if the file was replaced", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "queue.sqlite-shm");
  const index = new WalIndex(folder.path);
  for (let time = 0; time < 2; time++) {
    writeFileSync(`${file}.new`, INDEX);
    renameSync(`${file}.new`, file);
    index.forgetCopied();
    assert.deepEqual(readFileSync(file), FORGOTTEN);
  }
});

it("leaves alone an index that is missing, or that no connection has written yet", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "queue.sqlite-shm");
  const index = new WalIndex(folder.path);
  index.forgetCopied();
  writeFileSync(file, "x".repeat(99));
  index.forgetCopied();
  assert.equal(readFileSync(file, "latin1"), "x".repeat(99));
});
