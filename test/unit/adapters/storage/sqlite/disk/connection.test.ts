import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import {
  openCheckpointConnection,
  openMailReader,
} from "../../../../../../src/adapters/storage/sqlite/disk/connection.ts";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { accept, newMail } from "../../../../../contract/mails.ts";
import { FlakyDisk } from "./flaky-disk.ts";

const FULL = 2;
const INCREMENTAL = 2;

it("every connection to the mail database flushes at each commit", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  const [writer] = disk.opened as [(typeof disk.opened)[0]];
  const reader = openMailReader(store.folder);
  const checkpointer = openCheckpointConnection(store.folder);
  for (const connection of [writer, reader, checkpointer]) {
    assert.equal(connection.pragma("synchronous", { simple: true }), FULL);
    assert.equal(connection.pragma("journal_mode", { simple: true }), "wal");
  }
  reader.close();
  checkpointer.close();
  assert.equal(writer.pragma("auto_vacuum", { simple: true }), INCREMENTAL);
  assert.equal(writer.pragma("wal_autocheckpoint", { simple: true }), 0);
});

it("a reopened connection flushes at each commit", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  disk.failCommit = "SQLITE_IOERR_FSYNC";
  await accept(store.intake, newMail(store.clock.now()));
  disk.failCommit = undefined;
  store.clock.advance(5000);
  assert.equal(disk.opened.length, 2);
  assert.equal(disk.opened[1]?.pragma("synchronous", { simple: true }), FULL);
});

it("makes all files accessible to its own user only", async () => {
  await using store = await openSqliteStore();
  for (const size of [20_000, 100_000])
    await accept(store.intake, newMail(store.clock.now()), Buffer.alloc(size));
  const mode = (...path: string[]): number => statSync(join(store.folder, ...path)).mode & 0o777;
  const bodies = readdirSync(join(store.folder, "spool")).map((name) => mode("spool", name));
  assert.deepEqual(bodies, [0o600, 0o600]);
  assert.equal(mode(), 0o700);
  assert.equal(mode("spool"), 0o700);
  for (const file of ["queue.sqlite", "queue.sqlite-wal", "queue.sqlite-shm"])
    assert.equal(mode(file), 0o600, file);
});

it("a reader's connection cannot write", async () => {
  await using store = await openSqliteStore();
  const reader = openMailReader(store.folder);
  assert.throws(() => reader.exec("DELETE FROM message"), /readonly/);
  reader.close();
});

it("uses a SQLite version in which two connections may checkpoint the WAL", async () => {
  const disk = new FlakyDisk();
  await using _store = await openSqliteStore({ disk });
  const version = disk.opened[0]?.prepare<[], string>("SELECT sqlite_version()").pluck().get() ?? "";
  // Before this version, one checkpoint could corrupt another: sqlite.org/wal.html, "The WAL-Reset Bug".
  assert.ok(version.localeCompare("3.51.3", "en", { numeric: true }) >= 0, version);
});
