import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { connectIntake, openWriter } from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import { FileReplaced } from "../../../../../../src/adapters/storage/sqlite/disk/in-place.ts";
import { accept, newMail } from "../../../../../contract/mails.ts";
import { crashCopy, openSqliteStore, type SqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { ManualClock } from "../../../../../support/manual-clock.ts";
import { SILENT } from "../../../../../support/silent-log.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import { FlakyDisk } from "../disk/flaky-disk.ts";

const ACCEPTED = { kind: "accepted" };

function replace(file: string): void {
  copyFileSync(file, `${file}.copy`);
  renameSync(`${file}.copy`, file);
}

function takeOne(store: SqliteStore): Promise<unknown> {
  return accept(store.intake, newMail(store.clock.now()));
}

/** Mails that a process finds that starts after this one was killed. */
async function foundAfterKill(store: SqliteStore): Promise<number> {
  await using folder = await tempFolder();
  const copy = join(folder.path, "data");
  await crashCopy(store, copy);
  await using again = await openSqliteStore({ folder: copy, clock: store.clock });
  return (await again.reader.list({ filter: {}, limit: 100 })).items.length;
}

/** What is left to find at its name once the WAL that is written has none. */
const ACTS: readonly (readonly [what: string, act: (wal: string) => void])[] = [
  ["a copy of it", replace],
  [
    "an empty one, as a connection makes it that is opened later,",
    (wal) => {
      rmSync(wal);
      writeFileSync(wal, "");
    },
  ],
  ["nothing", (wal) => rmSync(wal)],
];

for (const [what, act] of ACTS)
  test(`where ${what} stands in place of the WAL, the mail is saved and the thread ends within a second`, async () => {
    await using store = await openSqliteStore();
    const wal = join(store.folder, "queue.sqlite-wal");
    assert.deepEqual(await takeOne(store), ACCEPTED);
    act(wal);
    const replaced = existsSync(wal);
    if (replaced) assert.deepEqual(await takeOne(store), ACCEPTED, "it is not asked for at each commit");
    assert.throws(() => store.clock.advance(1000), FileReplaced);
    assert.equal(await foundAfterKill(store), replaced ? 2 : 1);
    assert.deepEqual([existsSync(wal), existsSync(`${wal}.replaced`)], [false, replaced]);
  });

test("where the mail cannot be saved, the thread ends all the same: the WAL there is not ours", async () => {
  await using store = await openSqliteStore();
  const wal = join(store.folder, "queue.sqlite-wal");
  await takeOne(store);
  replace(wal);
  mkdirSync(`${wal}.replaced`);
  assert.throws(() => store.clock.advance(1000), FileReplaced);
  assert.equal(store.writer.condition, "ok");
});

test("a stop in order saves the mail, too, and is none in order", async () => {
  await using store = await openSqliteStore();
  await takeOne(store);
  replace(join(store.folder, "queue.sqlite-wal"));
  await takeOne(store);
  await store.writer.close();
  assert.equal(await foundAfterKill(store), 2);
  assert.equal(existsSync(join(store.folder, "clean")), false);
});

test("where the database is another, its WAL is left alone: both may have been put back", async () => {
  await using store = await openSqliteStore();
  await takeOne(store);
  for (const name of ["queue.sqlite-wal", "queue.sqlite"]) replace(join(store.folder, name));
  assert.throws(() => store.clock.advance(1000), /queue\.sqlite was removed, renamed or replaced/);
  assert.equal(existsSync(join(store.folder, "queue.sqlite-wal")), true);
  assert.equal(existsSync(join(store.folder, "queue.sqlite-wal.replaced")), false);
});

test("a connection that is opened anew has a WAL of its own", async () => {
  await using folder = await tempFolder();
  await using stack = new AsyncDisposableStack();
  const clock = new ManualClock();
  const disk = new FlakyDisk();
  const writer = openWriter({ folder: folder.path, clock, disk, reserve: { bytes: 0 }, log: SILENT });
  stack.defer(() => writer.close());
  const { port1, port2 } = new MessageChannel();
  stack.defer(() => port2.close());
  writer.serve("intake", port1);
  const options = { folder: folder.path, shared: writer.shared, clock, bodyMemory: 1 << 20 };
  const intake = connectIntake(port2, options);
  disk.failCommit = "SQLITE_IOERR_FSYNC";
  await accept(intake, newMail(clock.now()));
  disk.failCommit = undefined;
  // The last connection took its WAL along; this one has that one's place on the disk.
  writeFileSync(join(folder.path, "other"), "");
  clock.advance(5000);
  assert.equal(writer.condition, "ok");
  clock.advance(1000);
  assert.deepEqual(await accept(intake, newMail(clock.now())), ACCEPTED);
});
