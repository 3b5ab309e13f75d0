import assert from "node:assert/strict";
import { it } from "node:test";
import { Generations } from "../../../../../../src/adapters/storage/sqlite/directory/generations.ts";
import { openMailDatabase } from "../../../../../../src/adapters/storage/sqlite/disk/connection.ts";
import { realDisk } from "../../../../../../src/adapters/storage/sqlite/disk/disk.ts";
import { migrate } from "../../../../../../src/adapters/storage/sqlite/disk/migrate.ts";
import { SETTINGS } from "../../../../../contract/mails.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";

const HOUR = 3_600_000;

it("removes an old generation first, then its thousands of domain rows in small steps", async () => {
  await using folder = await tempFolder();
  const database = openMailDatabase(folder.path, realDisk);
  migrate(database);
  const generations = new Generations(database);
  const rows = database.prepare<[], number>("SELECT count(*) FROM domain").pluck();
  const settings = JSON.stringify(SETTINGS);
  for (const at of [1, 2]) {
    for (let n = 0; n < 1200; n++)
      generations.put({ name: `d${n}.test`, origin: "file", settings, list: null, draining: 0 });
    generations.raise(at);
  }
  assert.deepEqual(
    [[...generations.sweep(2 + HOUR)], rows.get()],
    [[], 2400],
    "a transaction that began an hour ago still reads the first generation",
  );
  const left: unknown[] = [];
  const steps = generations.sweep(3 + HOUR);
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) left.push(rows.get());
  assert.deepEqual([left, rows.get(), step.value], [[1900, 1400], 1200, 2]);
  const numbers = database.prepare<[], number>("SELECT number FROM generation").pluck().all();
  assert.deepEqual(numbers, [2]);
  assert.equal(generations.domains("file").length, 1200);
  database.close();
});
