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

function reports(words: RegExp, act: () => unknown): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof StoreUnusable, String(error));
    assert.match(error.message, words);
    return true;
  });
}

it("reports a damaged database and the remedy, and does not change the file", async () => {
  await using folder = await tempFolder();
  writeFileSync(join(folder.path, "queue.sqlite"), NO_DATABASE);
  reports(/\/queue\.sqlite is damaged\. Copy the data folder first; .*docs\/operating\.md/, () =>
    open(folder.path),
  );
  assert.deepEqual(readFileSync(join(folder.path, "queue.sqlite")), NO_DATABASE);
});

it("reports damage that is found when claims are recovered", async () => {
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
  reports(/\/queue\.sqlite is damaged\. Copy the data folder first; /, () => open(folder.path));
});

for (const [what, take] of [
  ["empty", (file: string) => writeFileSync(file, "")],
  ["missing", (file: string) => rmSync(file)],
] as const)
  it(`makes no new queue if the database is ${what} but its bodies or its WAL exist`, async () => {
    for (const left of ["spool/0123456789abcdef", "queue.sqlite-wal"]) {
      await using folder = await tempFolder();
      await open(folder.path).close();
      take(join(folder.path, "queue.sqlite"));
      writeFileSync(join(folder.path, left), "a mail");
      const words = `/queue\\.sqlite is ${what}, but .* beside it holds what belongs to it\\. Copy .* restore a backup, or, .* move queue\\.sqlite, `;
      assert.throws(() => open(folder.path), new RegExp(words));
      assert.equal(readFileSync(join(folder.path, left), "utf8"), "a mail");
      rmSync(join(folder.path, left));
      // An incomplete body belongs to no mail.
      writeFileSync(join(folder.path, "spool", "0123456789abcdef.tmp"), "half a");
      await open(folder.path).close();
    }
  });

it("reports a database that another program has locked", async () => {
  await using folder = await tempFolder();
  const other = new Database(join(folder.path, "queue.sqlite"));
  other.exec("BEGIN EXCLUSIVE");
  try {
    reports(/\/queue\.sqlite is locked by another program, such as a backup/, () => open(folder.path));
  } finally {
    other.close();
  }
});

it("reports a storage path that is not a folder, and a folder in place of a file", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "data");
  writeFileSync(file, "");
  reports(/\/data is not a folder; move that file away/, () => acquireLock(file, process.pid));
  mkdirSync(join(folder.path, "lock.sqlite"));
  reports(/\/lock\.sqlite is a folder; move it away/, () => acquireLock(folder.path, process.pid));
});

it("finds out whether the disk is full if SQLite only reports that it cannot open a file", async (t) => {
  const missing = smallDiskMissing();
  if (missing !== undefined) return t.skip(missing);
  await using folder = await tempFolder();
  const data = join(folder.path, "data");
  await using _disk = smallDisk(data, 4, { files: 5 });
  const database = join(data, "queue.sqlite");
  const told = (): string => String(unusable(database, systemError("SQLITE_CANTOPEN")));
  assert.match(told(), /\/queue\.sqlite may not be used by this user/, "the system reports no error");
  assert.deepEqual(readdirSync(data), [], "the trial file is removed");
  for (let n = 0; n < 4; n++) writeFileSync(join(data, String(n)), "");
  assert.match(
    told(),
    /\/queue\.sqlite cannot be written: the disk is full; make room \(inodes, too: df -i\)/,
  );
});

it("reports a storage folder that cannot be made, as in /proc", { skip: !existsSync("/proc/self") }, () => {
  reports(/^\/proc\/holdfast\/data cannot be made there; set another `storage`$/, () =>
    acquireLock("/proc/holdfast/data", process.pid),
  );
});

it("refuses an open folder with other files, and makes a folder with a queue private", async () => {
  await using folder = await tempFolder();
  const mode = (): number => statSync(folder.path).mode & 0o777;
  writeFileSync(join(folder.path, "others"), "");
  for (const open of [0o755, 0o750, 0o705]) {
    chmodSync(folder.path, open);
    reports(/ holds other files and is open to other users, .*; name a folder of its own in `storage`/, () =>
      acquireLock(folder.path, process.pid),
    );
    assert.equal(mode(), open);
  }
  writeFileSync(join(folder.path, "queue.sqlite"), "");
  acquireLock(folder.path, process.pid).release();
  assert.equal(mode(), 0o700);
});

it("makes an empty folder private, also the mount point of a new disk", async () => {
  await using folder = await tempFolder();
  mkdirSync(join(folder.path, "lost+found"));
  chmodSync(folder.path, 0o755);
  acquireLock(folder.path, process.pid).release();
  assert.equal(statSync(folder.path).mode & 0o777, 0o700);
});

it("reports a full disk for EDQUOT, which Node has no name for", () => {
  const told = unusable("/data/daemon.pid", systemError("EDQUOT"));
  assert.match(String(told), /\/data\/daemon\.pid cannot be written: the disk is full; make room/);
});

it("reports a full disk if SQLite only reports a failed write and a trial write finds no room", async () => {
  await using folder = await tempFolder();
  symlinkSync("/dev/full", join(folder.path, "room"));
  const told = unusable(join(folder.path, "queue.sqlite"), systemError("SQLITE_IOERR_WRITE"));
  assert.match(String(told), /\/queue\.sqlite cannot be written: the disk is full; make room/);
});

it("begins a new trace if the old trace is damaged, and keeps the old file", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "trace.sqlite");
  writeFileSync(file, NO_DATABASE);
  const told: string[] = [];
  openTraceWriter(folder.path, (damaged) => told.push(damaged)).close();
  assert.deepEqual(told, [`${file}.damaged`]);
  assert.deepEqual(readFileSync(`${file}.damaged`), NO_DATABASE);
  assert.deepEqual(openAs("trace.sqlite.damaged"), []);
  openTraceWriter(folder.path, () => assert.fail("the new trace is sound")).close();
});

it("throws, and does not move the trace, if it cannot be opened for another reason", async () => {
  await using folder = await tempFolder();
  mkdirSync(join(folder.path, "trace.sqlite"));
  const open = (): unknown => openTraceWriter(folder.path, () => assert.fail("the trace is not damaged"));
  assert.throws(open, /trace\.sqlite/);
  assert.deepEqual(readdirSync(folder.path), ["trace.sqlite"]);
});
