/** Compacting moves mails from their segment into rows. A segment is finished only when no mail is left to move. */
import assert from "node:assert/strict";
import { readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Bodies } from "../../../../../../src/adapters/storage/sqlite/bodies/bodies.ts";
import { Compacting } from "../../../../../../src/adapters/storage/sqlite/bodies/compacting.ts";
import { Segments } from "../../../../../../src/adapters/storage/sqlite/bodies/segments.ts";
import { Batch } from "../../../../../../src/adapters/storage/sqlite/commit/batch.ts";
import { accept, newMail } from "../../../../../contract/mails.ts";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { waitFor } from "../../../../../support/wait.ts";
import { openAs } from "../disk/file-faults.ts";
import { FlakyDisk } from "../disk/flaky-disk.ts";

const BODY = Buffer.alloc(20_000, "x");

/** A segment with two mails, and the object that compacts it. */
async function openCase() {
  const disk = new FlakyDisk();
  const store = await openSqliteStore({ disk });
  for (let n = 0; n < 2; n++) await accept(store.intake, newMail(store.clock.now()), BODY);
  const { folder } = store;
  const [database = assert.fail()] = disk.opened;
  const segments = new Segments();
  const bodies = new Bodies(database, { folder, segments });
  const compacting = new Compacting(database, { folder, bodies, segments });
  const files = (): readonly string[] => readdirSync(join(folder, "spool"));
  const [name = assert.fail()] = files();
  segments.thin(name);
  const inSpool = database
    .prepare<[], number>("SELECT count(*) FROM message WHERE spool IS NOT NULL")
    .pluck();
  return { ...store, database, segments, compacting, files, name, inSpool: () => inSpool.get() };
}

/** Returns the number of moved mails, and the batch whose commit effects are still to run. */
function run(compacting: Compacting): { moved: number; batch: Batch } {
  const batch = new Batch();
  const steps = compacting.run(() => batch);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return { moved: step.value, batch };
  }
}

describe("a segment whose mails were all moved", () => {
  it("is removed, and compacted no more, only after the commit", async () => {
    await using it = await openCase();
    const { moved, batch } = run(it.compacting);
    assert.deepEqual([moved, it.segments.thinned, it.files()], [2, [it.name], [it.name]]);
    batch.committed();
    assert.deepEqual(it.segments.thinned, []);
    await waitFor({ what: "the segment to be removed", deadline: 20_000 }, () => it.files().length === 0);
  });

  it("is not left open", async () => {
    await using it = await openCase();
    const before = openAs(it.name);
    run(it.compacting);
    assert.deepEqual(openAs(it.name), before);
  });
});

it("a mail whose body is incomplete on the disk is not moved", async () => {
  await using it = await openCase();
  const file = join(it.folder, "spool", it.name);
  truncateSync(file, BODY.length + 5000);
  const { moved, batch } = run(it.compacting);
  batch.committed();
  await new Promise(setImmediate);
  assert.deepEqual([moved, it.inSpool(), statSync(file).size], [1, 1, BODY.length + 5000]);
});

it("a mail with an owed notice is not moved until the notice is written", async () => {
  await using it = await openCase();
  const owe = it.database.prepare(
    "UPDATE recipient SET owed = ? WHERE mail = (SELECT min(key) FROM message)",
  );
  owe.run("failed");
  const first = run(it.compacting);
  first.batch.committed();
  assert.deepEqual([first.moved, it.inSpool(), it.segments.thinned], [1, 1, [it.name]]);
  owe.run(null);
  assert.deepEqual([run(it.compacting).moved, it.inSpool()], [1, 0]);
});

it("a mail that no longer needs its body when its turn comes gets no row", async () => {
  await using it = await openCase();
  const steps = it.compacting.run(() => new Batch());
  steps.next();
  it.database.exec("UPDATE message SET spool = NULL");
  assert.equal([...steps].length, 2);
  assert.equal(it.database.prepare("SELECT count(*) FROM body").pluck().get(), 1);
});
