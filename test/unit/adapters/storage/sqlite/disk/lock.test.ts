import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { FolderInUse, acquireLock } from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import { fillUp, freeOn, smallDisk, smallDiskMissing } from "../../../../../support/small-disk.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import { openAs } from "./file-faults.ts";

const DOOR = new URL("../../../../../../src/adapters/storage/sqlite/sqlite.ts", import.meta.url).href;

it("refuses a folder that another process has locked, with its pid, until that process dies", async () => {
  await using folder = await tempFolder();
  const data = join(folder.path, "data");
  const script = `import { acquireLock } from ${JSON.stringify(DOOR)};
    acquireLock(process.argv[1], process.pid); console.log("held"); setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ["--input-type=module", "-e", script, data], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await once(other.stdout, "data");
    refuses(data, other.pid);
  } finally {
    other.kill("SIGKILL");
    await once(other, "exit");
  }
  acquireLock(data, process.pid).release();
});

function refuses(data: string, pid: number | undefined): void {
  assert.throws(
    () => acquireLock(data, process.pid),
    (error) => {
      assert.ok(error instanceof FolderInUse);
      assert.equal(error.pid, pid);
      assert.match(error.message, new RegExp(`${pid}`));
      return true;
    },
  );
}

it("creates the folder for its own user only, and removes its own pid file on release", async () => {
  await using folder = await tempFolder();
  const data = join(folder.path, "deep", "data");
  const lock = acquireLock(data, 4711);
  assert.equal(statSync(data).mode & 0o777, 0o700);
  assert.equal(statSync(join(data, "lock.sqlite")).mode & 0o777, 0o600);
  assert.throws(() => acquireLock(data, 1), FolderInUse);
  lock.release();
  assert.equal(existsSync(join(data, "daemon.pid")), false);
  const next = acquireLock(data, 4711);
  lock.release();
  assert.equal(existsSync(join(data, "daemon.pid")), true, "the file belongs to the next lock");
  next.release();
});

it("refuses a locked folder without a pid if the pid file cannot be read", async () => {
  await using folder = await tempFolder();
  const lock = acquireLock(folder.path, 4711);
  const pidFile = join(folder.path, "daemon.pid");
  for (const act of [() => writeFileSync(pidFile, "rubbish\n"), () => rmSync(pidFile)]) {
    act();
    assert.throws(
      () => acquireLock(folder.path, process.pid),
      (error) => error instanceof FolderInUse && / is in use by another process; stop /.test(error.message),
    );
  }
  lock.release();
});

it("leaves no file open of a folder that it could not lock", async () => {
  await using folder = await tempFolder();
  const lock = acquireLock(folder.path, 4711);
  const before = openAs(join(folder.path, "lock.sqlite")).length;
  for (let time = 0; time < 3; time++)
    assert.throws(() => acquireLock(folder.path, process.pid), FolderInUse);
  lock.release();
  assert.equal(openAs(join(folder.path, "lock.sqlite")).length, before - 1);
});

it(
  "locks a folder on a disk without a free block, with room from the ballast",
  { skip: smallDiskMissing() },
  async () => {
    await using folder = await tempFolder();
    const data = join(folder.path, "data");
    await using _disk = smallDisk(data, 8);
    acquireLock(data, process.pid).release();
    const ballast = join(data, "ballast");
    writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024, "x"));
    fillUp(data, 0);
    assert.equal(freeOn(data), 0);
    const lock = acquireLock(data, process.pid);
    assert.ok(statSync(ballast).size >= 2 * 1024 * 1024);
    lock.release();
  },
);

it(
  "gives up a part of the ballast for the start if the disk is almost full",
  { skip: smallDiskMissing() },
  async () => {
    await using folder = await tempFolder();
    const data = join(folder.path, "data");
    await using _disk = smallDisk(data, 8);
    acquireLock(data, process.pid).release();
    const ballast = join(data, "ballast");
    writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024, "x"));
    fillUp(data, 512 * 1024);
    acquireLock(data, process.pid).release();
    assert.equal(statSync(ballast).size, 3 * 1024 * 1024);
  },
);

it("returns when the folder was last written, by a file or by a normal stop, before the lock itself", async () => {
  await using folder = await tempFolder();
  const data = join(folder.path, "data");
  const first = acquireLock(data, process.pid);
  assert.equal(first.lastUsed, undefined);
  first.release();
  writeFileSync(join(data, "queue.sqlite"), "");
  const [older, newer] = [new Date("2026-01-01"), new Date("2026-02-01")];
  for (const newest of ["queue.sqlite", "."]) {
    for (const name of [".", "lock.sqlite", "queue.sqlite"]) utimesSync(join(data, name), older, older);
    utimesSync(join(data, newest), newer, newer);
    const next = acquireLock(data, process.pid);
    assert.equal(next.lastUsed, newer.getTime(), newest);
    next.release();
  }
});
