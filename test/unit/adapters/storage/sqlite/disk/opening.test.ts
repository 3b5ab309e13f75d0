import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import Database from "better-sqlite3";
import {
  acquireLock,
  openTraceWriter,
  openWriter,
  StoreUnusable,
} from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import { unusable } from "../../../../../../src/adapters/storage/sqlite/disk/opening.ts";
import { systemClock } from "../../../../../../src/runtime/clock.ts";
import { SILENT } from "../../../../../support/silent-log.ts";
import { smallDisk, smallDiskMissing } from "../../../../../support/small-disk.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import { openAs, systemError } from "./file-faults.ts";

const NO_DATABASE = Buffer.alloc(8192, "no database ");

function open(folder: string): ReturnType<typeof openWriter> {
  return openWriter({ folder, clock: systemClock(), reserve: { bytes: 0 }, log: SILENT });
}

function tells(words: RegExp, act: () => unknown): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof StoreUnusable, String(error));
    assert.match(error.message, words);
    return true;
  });
}

it("names the database that is damaged, and the remedy, and leaves it as it is", async () => {
  await using folder = await tempFolder();
  writeFileSync(join(folder.path, "queue.sqlite"), NO_DATABASE);
  tells(/\/queue\.sqlite is damaged\. Copy the data folder first; .*docs\/operating\.md/, () =>
    open(folder.path),
  );
  assert.deepEqual(readFileSync(join(folder.path, "queue.sqlite")), NO_DATABASE);
});

it("names the damage also where it is met when claims are put right", async () => {
  await using folder = await tempFolder();
  await open(folder.path).close();
  const file = join(folder.path, "queue.sqlite");
  const database = new Database(file);
  const page = database
    .prepare<[], number>("SELECT rootpage FROM sqlite_schema WHERE name = 'recipient_age'")
    .pluck()
    .get();
  database.close();
  const octets = readFileSync(file);
  octets.fill("rubbish", ((page ?? 0) - 1) * 4096, (page ?? 0) * 4096);
  writeFileSync(file, octets);
  tells(/\/queue\.sqlite is damaged\. Copy the data folder first; /, () => open(folder.path));
});

for (const [what, take] of [
  ["empty", (file: string) => writeFileSync(file, "")],
  ["missing", (file: string) => rmSync(file)],
] as const)
  it(`begins no new queue beside the bodies or the WAL of one whose database is ${what}`, async () => {
    for (const left of ["spool/0123456789abcdef", "queue.sqlite-wal"]) {
      await using folder = await tempFolder();
      await open(folder.path).close();
      take(join(folder.path, "queue.sqlite"));
      writeFileSync(join(folder.path, left), "a mail");
      const words = `/queue\\.sqlite is ${what}, but .* beside it holds what belongs to it\\. Copy .* restore a backup, or, .* move queue\\.sqlite, `;
      assert.throws(() => open(folder.path), new RegExp(words));
      assert.equal(readFileSync(join(folder.path, left), "utf8"), "a mail");
      rmSync(join(folder.path, left));
      // A body that was never complete is no mail's.
      writeFileSync(join(folder.path, "spool", "0123456789abcdef.tmp"), "half a");
      await open(folder.path).close();
    }
  });

it("says who has it when another program holds the database", async () => {
  await using folder = await tempFolder();
  const other = new Database(join(folder.path, "queue.sqlite"));
  other.exec("BEGIN EXCLUSIVE");
  try {
    tells(/\/queue\.sqlite is locked by another program, such as a backup/, () => open(folder.path));
  } finally {
    other.close();
  }
});

it("says so when the storage is no folder, or what should be a file is one", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "data");
  writeFileSync(file, "");
  tells(/\/data is not a folder; move that file away/, () => acquireLock(file, process.pid));
  mkdirSync(join(folder.path, "lock.sqlite"));
  tells(/\/lock\.sqlite is a folder; move it away/, () => acquireLock(folder.path, process.pid));
});

it("asks the system where SQLite says no more than that it cannot open a file", async (t) => {
  const missing = smallDiskMissing();
  if (missing !== undefined) return t.skip(missing);
  await using folder = await tempFolder();
  const data = join(folder.path, "data");
  await using _disk = smallDisk(data, 4, { files: 5 });
  const database = join(data, "queue.sqlite");
  const told = (): string => String(unusable(database, systemError("SQLITE_CANTOPEN")));
  assert.match(told(), /\/queue\.sqlite may not be used by this user/, "the system has nothing against it");
  assert.deepEqual(readdirSync(data), [], "and no trace of the question is left");
  for (let n = 0; n < 4; n++) writeFileSync(join(data, String(n)), "");
  assert.match(
    told(),
    /\/queue\.sqlite cannot be written: the disk is full; make room \(inodes, too: df -i\)/,
  );
});

it("says so where no folder can be made, as in /proc", { skip: !existsSync("/proc/self") }, () => {
  tells(/^\/proc\/holdfast\/data cannot be made there; set another `storage`$/, () =>
    acquireLock("/proc/holdfast/data", process.pid),
  );
});

it("does not close a folder that holds what others may need, unless it was ours before", async () => {
  await using folder = await tempFolder();
  const mode = (): number => statSync(folder.path).mode & 0o777;
  writeFileSync(join(folder.path, "others"), "");
  for (const open of [0o755, 0o750, 0o705]) {
    chmodSync(folder.path, open);
    tells(/ holds other files and is open to other users, .*; name a folder of its own in `storage`/, () =>
      acquireLock(folder.path, process.pid),
    );
    assert.equal(mode(), open);
  }
  writeFileSync(join(folder.path, "queue.sqlite"), "");
  acquireLock(folder.path, process.pid).release();
  assert.equal(mode(), 0o700);
});

it("closes a folder that was made for it, and the mount point of a new disk", async () => {
  await using folder = await tempFolder();
  mkdirSync(join(folder.path, "lost+found"));
  chmodSync(folder.path, 0o755);
  acquireLock(folder.path, process.pid).release();
  assert.equal(statSync(folder.path).mode & 0o777, 0o700);
});

it("says that the disk is full where a quota is used up, which Node has no name for", () => {
  const told = unusable("/data/daemon.pid", systemError("EDQUOT"));
  assert.match(String(told), /\/data\/daemon\.pid cannot be written: the disk is full; make room/);
});

it("says that the disk is full where SQLite says no more than that a write failed, and the system more", async () => {
  await using folder = await tempFolder();
  symlinkSync("/dev/full", join(folder.path, "room"));
  const told = unusable(join(folder.path, "queue.sqlite"), systemError("SQLITE_IOERR_WRITE"));
  assert.match(String(told), /\/queue\.sqlite cannot be written: the disk is full; make room/);
});

it("begins a new trace where the old one is damaged, and keeps that", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "trace.sqlite");
  writeFileSync(file, NO_DATABASE);
  const told: string[] = [];
  openTraceWriter(folder.path, (damaged) => told.push(damaged)).close();
  assert.deepEqual(told, [`${file}.damaged`]);
  assert.deepEqual(readFileSync(`${file}.damaged`), NO_DATABASE);
  assert.deepEqual(openAs("trace.sqlite.damaged"), []);
  openTraceWriter(folder.path, () => assert.fail("the new one is sound")).close();
});

it("leaves a trace where it is that cannot be opened for another reason", async () => {
  await using folder = await tempFolder();
  mkdirSync(join(folder.path, "trace.sqlite"));
  const open = (): unknown => openTraceWriter(folder.path, () => assert.fail("it is not damaged"));
  assert.throws(open, /trace\.sqlite/);
  assert.deepEqual(readdirSync(folder.path), ["trace.sqlite"]);
});
