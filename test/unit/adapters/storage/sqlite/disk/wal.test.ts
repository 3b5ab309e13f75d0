/** Mail of a failed commit, whose senders were refused, is never delivered, even if its pages are in the WAL. */
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openMailDatabase } from "../../../../../../src/adapters/storage/sqlite/disk/connection.ts";
import { realDisk } from "../../../../../../src/adapters/storage/sqlite/disk/disk.ts";
import { checkpointFully } from "../../../../../../src/adapters/storage/sqlite/disk/wal.ts";
import type { NewMail } from "../../../../../../src/ports/intake.ts";
import { accept, newMail } from "../../../../../contract/mails.ts";
import { crashCopy, openSqliteStore, type SqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import { systemError } from "./file-faults.ts";
import { FlakyDisk } from "./flaky-disk.ts";

const WAL = "queue.sqlite-wal";
/** The size of a frame, which is a frame header and a page, in octets. */
const FRAME = 24 + 4096;
const FULL = { kind: "refused", why: "full" };
const SICK = { kind: "refused", why: "sick" };

interface Scene extends AsyncDisposable {
  readonly store: SqliteStore;
  /** The answer to a mail whose whole commit is in the WAL while the connections do not see it. */
  readonly answer: unknown;
  /** The content of the WAL when the commit failed; only the first `flushed` octets were flushed. */
  readonly left: { readonly wal: Buffer; readonly flushed: number };
  /** The ids of the mails that the next process finds if this process is killed now. */
  afterKill(): Promise<readonly string[]>;
}

/**
 * A commit of SQLite writes its pages into the WAL, flushes them, and only then shows them to connections. The commit
 * fails before the last step with `code`; the write that replaces it fails with `again`.
 */
async function failBetween(code: string, again?: string): Promise<Scene> {
  const home = await tempFolder();
  const disk = new FlakyDisk();
  const store = await openSqliteStore({ disk, folder: join(home.path, "data") });
  const { clock } = store;
  // The recovery then happens between two ticks of the upkeep, which empties the WAL.
  clock.advance(500);
  await accept(store.intake, newMail(clock.now(), { id: "before" }));
  const refused = newMail(clock.now(), { id: "refused" });
  const written = await walAfter(store, refused, join(home.path, "other"));
  let flushed = 0;
  disk.failCommit = () => {
    flushed = statSync(join(store.folder, WAL)).size;
    overwrite(join(store.folder, WAL), written);
    disk.failCommit = undefined;
    disk.failPragma = again;
    return code;
  };
  const answer = await accept(store.intake, refused);
  disk.failPragma = undefined;
  return {
    store,
    answer,
    left: { wal: written, flushed },
    afterKill: () => idsAfterKill(store, join(home.path, "copy")),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
    },
  };
}

/** After a failed flush the system no longer writes these pages to the disk: they are lost with the power. */
function losePower(folder: string, { wal, flushed }: Scene["left"]): void {
  const file = join(folder, WAL);
  const now = readFileSync(file);
  for (let at = flushed; at < Math.min(now.length, wal.length); at += FRAME)
    if (now.subarray(at, at + FRAME).equals(wal.subarray(at, at + FRAME))) now.fill(0, at, at + FRAME);
  writeFileSync(file, now);
}

async function walAfter(store: SqliteStore, mail: NewMail, folder: string): Promise<Buffer> {
  await crashCopy(store, folder);
  // Otherwise the start would reset the WAL.
  writeFileSync(join(folder, "clean"), "");
  await using other = await openSqliteStore({ folder, clock: store.clock });
  await accept(other.intake, mail);
  return readFileSync(join(folder, WAL));
}

async function idsAfterKill(
  store: Pick<SqliteStore, "folder" | "clock">,
  folder: string,
): Promise<readonly string[]> {
  await crashCopy(store, folder);
  await using next = await openSqliteStore({ folder, clock: store.clock });
  const { items } = await next.reader.list({ filter: {}, limit: 10 });
  return items.map(({ id }) => id);
}

function overwrite(file: string, content: Buffer): void {
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, content, 0, content.length, 0);
  closeSync(descriptor);
}

describe("mail of a flushed commit for which the WAL index had no room", () => {
  it("is refused, and is not found after a restart", async () => {
    await using scene = await failBetween("SQLITE_IOERR_SHMSIZE");
    assert.deepEqual(scene.answer, FULL);
    assert.deepEqual(await scene.afterKill(), ["before"]);
  });

  it("is refused as full if the index has no room for the replacing write either", async () => {
    await using scene = await failBetween("SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_SHMSIZE");
    assert.deepEqual(scene.answer, FULL);
  });

  it("is refused as sick, and not found after a restart, if the replacing write fails", async () => {
    await using scene = await failBetween("SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_WRITE");
    assert.deepEqual(scene.answer, SICK);
    assert.deepEqual(await scene.afterKill(), ["before"]);
  });
});

describe("mail of a commit whose flush failed", () => {
  it("is not found after a restart before the disk recovers", async () => {
    await using scene = await failBetween("SQLITE_IOERR_FSYNC");
    assert.deepEqual(scene.answer, SICK);
    assert.deepEqual(await scene.afterKill(), ["before"]);
  });

  it("is not found after a restart right after the disk recovers", async () => {
    await using scene = await failBetween("SQLITE_IOERR_FSYNC");
    scene.store.clock.advance(5000);
    assert.equal(scene.store.writer.condition, "ok");
    assert.deepEqual(await scene.afterKill(), ["before"]);
  });

  it("does not cause the loss of mail accepted after the restart if the power then fails", async () => {
    await using scene = await failBetween("SQLITE_IOERR_FSYNC");
    await using home = await tempFolder();
    const folder = join(home.path, "data");
    await crashCopy(scene.store, folder);
    await using next = await openSqliteStore({ folder, clock: scene.store.clock });
    await accept(next.intake, newMail(next.clock.now(), { id: "later" }));
    const copy = join(home.path, "copy");
    await crashCopy(next, copy);
    losePower(copy, scene.left);
    assert.deepEqual(await idsAfterKill({ folder: copy, clock: next.clock }, join(home.path, "last")), [
      "before",
      "later",
    ]);
  });
});

describe("emptying the WAL", () => {
  async function whileEmptied(fails: boolean): Promise<{ during: unknown; afterwards: unknown }> {
    await using folder = await tempFolder();
    const database = openMailDatabase(folder.path, realDisk);
    const pragma = database.pragma.bind(database);
    const timeout = (): unknown => pragma("busy_timeout", { simple: true });
    let during: unknown;
    database.pragma = (sql, ...options) => {
      if (sql !== "wal_checkpoint(TRUNCATE)") return pragma(sql, ...options);
      during = timeout();
      if (fails) throw systemError("SQLITE_IOERR");
      return pragma(sql, ...options);
    };
    if (fails) assert.throws(() => checkpointFully(database), { code: "SQLITE_IOERR" });
    else checkpointFully(database);
    const afterwards = timeout();
    database.close();
    return { during, afterwards };
  }

  for (const fails of [false, true])
    it(`does not wait for readers, and then restores the busy timeout${fails ? ", also if it fails" : ""}`, async () => {
      assert.deepEqual(await whileEmptied(fails), { during: 0, afterwards: 2000 });
    });
});
