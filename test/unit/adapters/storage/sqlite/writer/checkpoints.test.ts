import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { MessageChannel } from "node:worker_threads";
import Database from "better-sqlite3";
import {
  serveCheckpointer,
  type Checkpointer,
} from "../../../../../../src/adapters/storage/sqlite/disk/checkpointer.ts";
import {
  openCheckpointConnection,
  openMailDatabase,
  QUEUE_FILE,
} from "../../../../../../src/adapters/storage/sqlite/disk/connection.ts";
import { realDisk } from "../../../../../../src/adapters/storage/sqlite/disk/disk.ts";
import { checkpointInPlace, pagesWaiting } from "../../../../../../src/adapters/storage/sqlite/disk/wal.ts";
import { Checkpoints } from "../../../../../../src/adapters/storage/sqlite/writer/checkpoints.ts";
import { accept, newMail } from "../../../../../contract/mails.ts";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import { waitFor } from "../../../../../support/wait.ts";

/** The page size of the database, in octets. */
const PAGE = 4096;

async function openCase() {
  const folder = await tempFolder();
  const database = openMailDatabase(folder.path, realDisk);
  database.exec("CREATE TABLE page (content BLOB)");
  const insert = database.prepare("INSERT INTO page VALUES (randomblob(?))");
  return {
    database,
    folder: folder.path,
    checkpoints: new Checkpoints(folder.path),
    write: (pages: number) => void insert.run(pages * PAGE),
    [Symbol.asyncDispose]: async () => {
      database.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A checkpointer that copies by `copy` and counts the requests. */
function checkpointerOf(copy: () => Promise<void>): Checkpointer & { asked: number } {
  const checkpointer = {
    asked: 0,
    copy: () => {
      checkpointer.asked += 1;
      return copy();
    },
  };
  return checkpointer;
}

/** Waits until the copy, and the flush after it on the thread pool, have ended and the WAL is moved. */
async function proceedUntilMoved(checkpoints: Checkpoints, database: Database.Database): Promise<void> {
  await waitFor({ what: "the WAL to be moved", deadline: 10_000, every: 1 }, () => {
    checkpoints.proceed(database, false);
    return pagesWaiting(database) === 0;
  });
}

it("lets another thread copy the WAL while the writer continues, and then moves the rest", async () => {
  await using it = await openCase();
  const { database, checkpoints, write } = it;
  const copied = Promise.withResolvers<void>();
  const checkpointer = checkpointerOf(() => copied.promise);
  checkpoints.copyBy(checkpointer);
  write(1000);
  checkpoints.proceed(database, true);
  assert.equal(checkpointer.asked, 0);
  write(100);
  checkpoints.proceed(database, true);
  checkpoints.proceed(database, true);
  assert.equal(checkpointer.asked, 1);
  assert.ok(pagesWaiting(database) > 1100);
  copied.resolve();
  await proceedUntilMoved(checkpoints, database);
  write(1100);
  checkpoints.proceed(database, false);
  assert.equal(checkpointer.asked, 2);
});

it("moves the WAL itself if there is no other thread, preferably while no job waits", async () => {
  await using it = await openCase();
  const { database, checkpoints, write } = it;
  write(1100);
  checkpoints.proceed(database, false);
  assert.ok(pagesWaiting(database) > 1100);
  checkpoints.proceed(database, true);
  assert.equal(pagesWaiting(database), 0);
  write(4200);
  checkpoints.proceed(database, false);
  assert.equal(pagesWaiting(database), 0);
});

it("moves the WAL itself after the other thread has ended", async () => {
  await using it = await openCase();
  const { database, checkpoints, write } = it;
  const checkpointer = checkpointerOf(() => Promise.reject(new Error("the other thread has ended")));
  checkpoints.copyBy(checkpointer);
  write(1100);
  checkpoints.proceed(database, true);
  await proceedUntilMoved(checkpoints, database);
  write(1100);
  checkpoints.proceed(database, true);
  assert.equal(pagesWaiting(database), 0);
  assert.equal(checkpointer.asked, 1);
});

it("moves the WAL itself when the WAL reaches its limit while the other thread hangs", async () => {
  await using it = await openCase();
  const { database, checkpoints, write } = it;
  checkpoints.copyBy(checkpointerOf(() => new Promise(() => {})));
  write(1100);
  checkpoints.proceed(database, true);
  assert.ok(pagesWaiting(database) > 1100);
  write(3100);
  checkpoints.proceed(database, false);
  assert.equal(pagesWaiting(database), 0);
});

/** Restores the old content of the file, as if the system had dropped the pages that it could not write. */
function losingPages(file: string): { lose(): void } {
  const before = readFileSync(file);
  return {
    lose: () => {
      const { size } = statSync(file);
      writeFileSync(file, Buffer.concat([before, Buffer.alloc(size - before.length)]));
    },
  };
}

/** The digests of all rows. */
function rowsOf(database: Database.Database): readonly string[] {
  const rows = database.prepare<[], Buffer>("SELECT content FROM page").pluck().all();
  return rows.map((content) => createHash("sha256").update(content).digest("hex"));
}

/** The digests of the rows in the database file without its WAL, as after a power loss once the WAL is reset. */
function rowsOnDisk(folder: string): readonly string[] {
  const copy = join(folder, "copy.sqlite");
  copyFileSync(join(folder, QUEUE_FILE), copy);
  const database = new Database(copy, { readonly: true });
  try {
    return rowsOf(database);
  } finally {
    database.close();
  }
}

it("copies all of the WAL again after a disk error, because the copied pages may be lost", async () => {
  await using it = await openCase();
  const { database, checkpoints, folder, write } = it;
  checkpoints.fully(database);
  const other = openCheckpointConnection(folder);
  const pages = losingPages(join(folder, QUEUE_FILE));
  write(20);
  checkpointInPlace(other);
  pages.lose();
  checkpoints.doubt();
  assert.ok(pagesWaiting(database) > 20);
  write(1);
  checkpoints.fully(database);
  assert.deepEqual(rowsOnDisk(folder), rowsOf(database));
  other.close();
});

/** Copies all but the last pages and flushes nothing, as when mail arrives during the copy. */
function copyAllButLast(other: Database.Database, write: (pages: number) => void): void {
  const reader = new Database(other.name, { readonly: true });
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM page").get();
  write(1);
  checkpointInPlace(other);
  reader.close();
}

for (const doubted of [false, true])
  it(`copies all again after a failed copy${doubted ? ", and moves no doubted page while another copies" : ""}`, async () => {
    await using it = await openCase();
    const { database, checkpoints, folder, write } = it;
    checkpoints.fully(database);
    const other = openCheckpointConnection(folder);
    const pages = losingPages(join(folder, QUEUE_FILE));
    const failed = Promise.withResolvers<void>();
    checkpoints.copyBy(
      checkpointerOf(() => {
        copyAllButLast(other, write);
        return failed.promise;
      }),
    );
    write(1100);
    checkpoints.proceed(database, true);
    if (doubted) {
      write(5000);
      checkpoints.doubt();
      checkpoints.proceed(database, true);
      assert.ok(pagesWaiting(database) > 4500);
    }
    pages.lose();
    failed.reject(new Error("EIO"));
    await proceedUntilMoved(checkpoints, database);
    assert.deepEqual(rowsOnDisk(folder), rowsOf(database));
    other.close();
  });

it("copies all again after a failed checkpoint", async () => {
  await using it = await openCase();
  const { database, checkpoints, folder, write } = it;
  checkpoints.fully(database);
  const other = openCheckpointConnection(folder);
  write(20);
  checkpointInPlace(other);
  assert.equal(pagesWaiting(database), 0);
  const closed = openCheckpointConnection(folder);
  closed.close();
  assert.throws(() => checkpoints.inPlace(closed));
  assert.ok(pagesWaiting(database) > 20);
  other.close();
});

it("keeps the WAL small and every mail under load", async () => {
  await using store = await openSqliteStore();
  const { port1, port2 } = new MessageChannel();
  const checkpointer = serveCheckpointer(store.folder, port1);
  store.writer.copyBy(port2);
  const body = Buffer.alloc(16_000, 1);
  for (let i = 0; i < 1500; i++) await accept(store.intake, newMail(store.clock.now()), body);
  const wal = statSync(join(store.folder, "queue.sqlite-wal")).size;
  assert.ok(wal < 12_000_000, `${wal} bytes`);
  assert.equal(
    (await store.reader.counts()).reduce((sum, { recipients }) => sum + recipients, 0),
    1500,
  );
  checkpointer.close();
  port2.close();
});
