import assert from "node:assert/strict";
import { join } from "node:path";
import { it } from "node:test";
import type Database from "better-sqlite3";
import { openMailDatabase } from "../../../../../../src/adapters/storage/sqlite/disk/connection.ts";
import { realDisk } from "../../../../../../src/adapters/storage/sqlite/disk/disk.ts";
import { checkDatabase, findingsOf } from "../../../../../../src/adapters/storage/sqlite/disk/soundness.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import { openAs } from "./file-faults.ts";

it("throws, and reports no damage, if the database cannot be opened", async () => {
  await using folder = await tempFolder();
  assert.throws(() => checkDatabase(folder.path), { code: /^SQLITE_CANTOPEN/ });
});

it("leaves no file open after a check", async () => {
  await using folder = await tempFolder();
  openMailDatabase(folder.path, realDisk).close();
  assert.deepEqual(checkDatabase(folder.path), []);
  assert.deepEqual(openAs(join(folder.path, "queue.sqlite")), []);
});

it("reports at most five findings", () => {
  const rows = Array.from({ length: 100 }, (_, n) => ({ quick_check: n === 1 ? "ok" : `row ${n}` }));
  const database = { pragma: () => rows } as unknown as Database.Database;
  assert.deepEqual(findingsOf(database, "one"), ["row 0", "row 2", "row 3", "row 4", "row 5"]);
});
