import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DirectoryChanges } from "../../../../../../src/adapters/storage/sqlite/directory/directory-changes.ts";
import { openDirectoryReader } from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import { openMailDatabase } from "../../../../../../src/adapters/storage/sqlite/disk/connection.ts";
import { realDisk } from "../../../../../../src/adapters/storage/sqlite/disk/disk.ts";
import { migrate } from "../../../../../../src/adapters/storage/sqlite/disk/migrate.ts";
import { SETTINGS } from "../../../../../contract/mails.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";

const HOUR = 3_600_000;

async function openCase() {
  const folder = await tempFolder();
  const database = openMailDatabase(folder.path, realDisk);
  migrate(database);
  const changes = new DirectoryChanges(database);
  const directory = openDirectoryReader(folder.path);
  changes.addDomain({ domain: { name: "one.test", settings: SETTINGS } }, 0);
  return {
    changes,
    change: (verb: "add" | "remove", at: number) =>
      changes.sideLists.change({ domain: "one.test", verb, recipients: ["alice"] }, at),
    /** Runs the sweep to its end. */
    sweep: (at: number) => void [...changes.sweep(at)],
    knows: (generation = directory.generation()) => {
      const one = directory.domain("one.test", generation);
      return one !== undefined && directory.recipient(one, "alice") !== undefined;
    },
    newest: () => directory.generation(),
    count: (table: string) => database.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get(),
    [Symbol.asyncDispose]: async () => {
      directory.close();
      database.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe("a sweep of the directory", () => {
  it("keeps a recipient that was removed within the last hour visible to older generations", async () => {
    await using it = await openCase();
    it.change("add", 10);
    const before = it.newest();
    it.change("remove", 20);
    it.sweep(15 + HOUR);
    assert.deepEqual([it.knows(before), it.knows()], [true, false]);
    it.sweep(21 + HOUR);
    assert.throws(() => it.knows(before), /is not known any more/);
    assert.deepEqual([it.knows(), it.count("entry")], [false, 0]);
  });

  it("keeps a list that is in use, also after a change was discarded", async () => {
    await using it = await openCase();
    it.change("add", 1);
    it.changes.discard();
    it.sweep(9 * HOUR);
    assert.equal(it.knows(), true);
  });

  it("removes the entries, lists and domains of a discarded change", async () => {
    await using it = await openCase();
    it.changes.stageOpen();
    const [wanted] = it.changes.stageDomains([{ name: "two.test", settings: SETTINGS, hash: "a hash" }]);
    it.changes.stageEntries([{ list: wanted?.list ?? assert.fail("no list is wanted"), patterns: ["bob"] }]);
    it.changes.discard();
    it.sweep(9 * HOUR);
    assert.deepEqual(["entry", "list", "domain"].map(it.count), [0, 0, 1]);
  });
});
