import assert from "node:assert/strict";
import fs, {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import Database from "better-sqlite3";
import { connectIntake, openWriter } from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import { openMailDatabase } from "../../../../../../src/adapters/storage/sqlite/disk/connection.ts";
import { realDisk } from "../../../../../../src/adapters/storage/sqlite/disk/disk.ts";
import { FileReplaced } from "../../../../../../src/adapters/storage/sqlite/disk/in-place.ts";
import { FilesInPlace } from "../../../../../../src/adapters/storage/sqlite/writer/files-in-place.ts";
import { RefusedMails } from "../../../../../../src/adapters/storage/sqlite/writer/refused-mails.ts";
import type { Store } from "../../../../../../src/adapters/storage/sqlite/writer/store.ts";
import { accept, newMail } from "../../../../../contract/mails.ts";
import { crashCopy, openSqliteStore, type SqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { ManualClock } from "../../../../../support/manual-clock.ts";
import { SILENT } from "../../../../../support/silent-log.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import { systemError } from "../disk/file-faults.ts";
import { FlakyDisk } from "../disk/flaky-disk.ts";

const ACCEPTED = { kind: "accepted" };

function replace(file: string): void {
  copyFileSync(file, `${file}.copy`);
  renameSync(`${file}.copy`, file);
}

function takeOne(store: SqliteStore): Promise<unknown> {
  return accept(store.intake, newMail(store.clock.now()));
}

/** The number of mails that the next process finds if this process is killed now. */
async function foundAfterKill(store: SqliteStore): Promise<number> {
  await using folder = await tempFolder();
  const copy = join(folder.path, "data");
  await crashCopy(store, copy);
  await using again = await openSqliteStore({ folder: copy, clock: store.clock });
  return (await again.reader.list({ filter: {}, limit: 100 })).items.length;
}

/** What happens to the name of the WAL while the writer still has the old file open. */
const ACTS: readonly (readonly [what: string, act: (wal: string) => void])[] = [
  ["is replaced by a copy", replace],
  [
    "is replaced by an empty file, as a later connection makes it",
    (wal) => {
      rmSync(wal);
      writeFileSync(wal, "");
    },
  ],
  ["is removed", (wal) => rmSync(wal)],
];

for (const [what, act] of ACTS)
  test(`if the WAL ${what}, the mail is saved and the thread ends within a second`, async () => {
    await using store = await openSqliteStore();
    const wal = join(store.folder, "queue.sqlite-wal");
    assert.deepEqual(await takeOne(store), ACCEPTED);
    act(wal);
    const replaced = existsSync(wal);
    if (replaced) assert.deepEqual(await takeOne(store), ACCEPTED, "not checked at each commit");
    assert.throws(() => store.clock.advance(1000), FileReplaced);
    assert.equal(await foundAfterKill(store), replaced ? 2 : 1);
    assert.deepEqual([existsSync(wal), existsSync(`${wal}.replaced`)], [false, replaced]);
  });

/** A database as the writer has it, with a mail that was not answered yet. */
async function openAlone(stack: AsyncDisposableStack) {
  const { path } = stack.use(await tempFolder());
  const database = openMailDatabase(path, realDisk);
  stack.defer(() => void database.close());
  database.exec("CREATE TABLE kept (word TEXT); INSERT INTO kept VALUES ('here')");
  const files = new FilesInPlace(path, new RefusedMails(path, SILENT));
  const store = { database, accepting: { inDoubt: new Set(["1a2b"]) } } as unknown as Store;
  const file = (name: string): string => join(path, name);
  return { file, require: () => files.requireThere(store), look: () => files.requireOwn(store) };
}

test("a missing database ends the thread before a commit is answered", async () => {
  await using stack = new AsyncDisposableStack();
  const it = await openAlone(stack);
  assert.doesNotThrow(it.require);
  renameSync(it.file("queue.sqlite"), it.file("moved"));
  assert.throws(it.require, FileReplaced);
});

test("a missing WAL ends the thread; its content is saved, and unanswered mails are noted as refused", async () => {
  await using stack = new AsyncDisposableStack();
  const it = await openAlone(stack);
  rmSync(it.file("queue.sqlite-wal"));
  assert.throws(it.require, FileReplaced);
  copyFileSync(it.file("queue.sqlite"), it.file("copy.sqlite"));
  const copy = new Database(it.file("copy.sqlite"), { readonly: true });
  stack.defer(() => void copy.close());
  assert.deepEqual(copy.prepare("SELECT word FROM kept").pluck().all(), ["here"]);
  assert.equal(readFileSync(it.file("refused"), "latin1"), "1a2b\n");
});

test("a WAL whose identity cannot be checked is left in place", async (t) => {
  await using stack = new AsyncDisposableStack();
  const it = await openAlone(stack);
  const { statSync } = fs;
  const { mock } = t.mock.method(fs, "statSync", (...given: Parameters<typeof statSync>) => {
    if (String(given[0]).endsWith("-wal")) throw systemError("EIO");
    return statSync(...given);
  });
  syncBuiltinESMExports();
  stack.defer(() => {
    mock.restore();
    syncBuiltinESMExports();
  });
  assert.throws(it.look, { code: "EIO" });
  assert.deepEqual([existsSync(it.file("queue.sqlite-wal")), existsSync(it.file("refused"))], [true, false]);
});

test("the thread ends even if the mail cannot be saved, because the WAL there is not its own", async () => {
  await using store = await openSqliteStore();
  const wal = join(store.folder, "queue.sqlite-wal");
  await takeOne(store);
  replace(wal);
  mkdirSync(`${wal}.replaced`);
  assert.throws(() => store.clock.advance(1000), FileReplaced);
  assert.equal(store.writer.condition, "ok");
});

test("a normal stop saves the mail of a replaced WAL, too, and does not count as a clean stop", async () => {
  await using store = await openSqliteStore();
  await takeOne(store);
  replace(join(store.folder, "queue.sqlite-wal"));
  await takeOne(store);
  await store.writer.close();
  assert.equal(await foundAfterKill(store), 2);
  assert.equal(existsSync(join(store.folder, "clean")), false);
});

test("the WAL of a replaced database is left alone, because both may have been restored", async () => {
  await using store = await openSqliteStore();
  await takeOne(store);
  for (const name of ["queue.sqlite-wal", "queue.sqlite"]) replace(join(store.folder, name));
  assert.throws(() => store.clock.advance(1000), /queue\.sqlite was removed, renamed or replaced/);
  assert.equal(existsSync(join(store.folder, "queue.sqlite-wal")), true);
  assert.equal(existsSync(join(store.folder, "queue.sqlite-wal.replaced")), false);
});

test("a reopened connection accepts its own new WAL", async () => {
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
  // The last connection removed its WAL; this file takes the inode of the removed WAL.
  writeFileSync(join(folder.path, "other"), "");
  clock.advance(5000);
  assert.equal(writer.condition, "ok");
  clock.advance(1000);
  assert.deepEqual(await accept(intake, newMail(clock.now())), ACCEPTED);
});
