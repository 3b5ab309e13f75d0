import assert from "node:assert/strict";
import fs, { readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename, join } from "node:path";
import { it, type TestContext } from "node:test";
import { deflateSync } from "node:zlib";
import type Database from "better-sqlite3";
import { openMailDatabase } from "../../../../../../src/adapters/storage/sqlite/disk/connection.ts";
import {
  makePrivateFile,
  makePrivateFolder,
  realDisk,
  writeDurably,
  type Disk,
} from "../../../../../../src/adapters/storage/sqlite/disk/disk.ts";
import { fillUp, freeOn, smallDisk, smallDiskMissing } from "../../../../../support/small-disk.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import { systemError } from "./file-faults.ts";

/** `seen` is called with each file or folder, just before it is flushed. */
function watchFlushes(t: TestContext, seen: (path: string) => void): void {
  const { fsyncSync } = fs;
  const { mock } = t.mock.method(fs, "fsyncSync", (descriptor: number) => {
    seen(readlinkSync(`/proc/self/fd/${descriptor}`));
    fsyncSync(descriptor);
  });
  t.after(() => {
    mock.restore();
    syncBuiltinESMExports();
  });
  syncBuiltinESMExports();
}

it("flushes the parent of each folder that it makes", async (t) => {
  await using folder = await tempFolder();
  const flushed: unknown[] = [];
  watchFlushes(t, (path) => flushed.push([path, readdirSync(path)]));
  const upper = join(folder.path, "upper");
  makePrivateFolder(join(upper, "data"));
  assert.deepEqual(flushed, [
    [folder.path, ["upper"]],
    [upper, ["data"]],
  ]);
});

it("a durable write flushes the new file before it replaces the old one, and then the folder", async (t) => {
  await using folder = await tempFolder();
  const file = join(folder.path, "note");
  writeFileSync(file, "before");
  const flushed: unknown[] = [];
  watchFlushes(t, (path) =>
    flushed.push([basename(path), readdirSync(folder.path).toSorted(), readFileSync(file, "utf8")]),
  );
  writeDurably(file, "after");
  assert.deepEqual(flushed, [
    ["note.tmp", ["note", "note.tmp"], "before"],
    [basename(folder.path), ["note"], "after"],
  ]);
});

it("flushes the folder of a database that it makes", async (t) => {
  await using folder = await tempFolder();
  const flushed: unknown[] = [];
  watchFlushes(t, (path) => flushed.push([path, readdirSync(path).includes("queue.sqlite")]));
  openMailDatabase(folder.path, realDisk).close();
  assert.deepEqual(flushed.at(-1), [folder.path, true]);
});

it("the proof of a disk flushes the folder after the proof file is renamed and after it is removed", async (t) => {
  await using folder = await tempFolder();
  const flushed: unknown[] = [];
  watchFlushes(t, (path) => flushed.push([basename(path), readdirSync(folder.path)]));
  realDisk.prove(folder.path);
  const name = basename(folder.path);
  assert.deepEqual(flushed, [
    ["proof.tmp", ["proof.tmp"]],
    [name, ["proof"]],
    [name, []],
  ]);
});

it("fills a file up to its size, and keeps its content", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "file");
  writeFileSync(file, "before");
  realDisk.fill(file, 1_500_000);
  const octets = readFileSync(file);
  assert.deepEqual([octets.length, octets.toString("latin1", 0, 6)], [1_500_000, "before"]);
  assert.ok(deflateSync(octets).length > 1_490_000, "the octets must not be compressible");
  realDisk.fill(file, 1000);
  assert.equal(readFileSync(file).length, 1_500_000);
});

it("closes a connection that could not be set up", async () => {
  await using folder = await tempFolder();
  const opened: Database.Database[] = [];
  const disk: Disk = {
    ...realDisk,
    openDatabase: (file, options) => {
      const database = realDisk.openDatabase(file, options);
      opened.push(database);
      const pragma = (): never => {
        throw systemError("SQLITE_IOERR");
      };
      return Object.assign(database, { pragma });
    },
  };
  assert.throws(() => openMailDatabase(folder.path, disk), { code: "SQLITE_IOERR" });
  assert.deepEqual(
    opened.map(({ open }) => open),
    [false],
  );
});

it("returns the free space for this user and the total size", { skip: smallDiskMissing() }, async () => {
  await using folder = await tempFolder();
  const data = join(folder.path, "data");
  await using _disk = smallDisk(data, 8);
  fillUp(data, 1 << 20);
  assert.deepEqual(realDisk.space(data), { free: freeOn(data), total: 8 << 20 });
});

it("makes an existing file private, and keeps its content", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "file");
  writeFileSync(file, "before", { mode: 0o644 });
  makePrivateFile(file);
  assert.deepEqual([statSync(file).mode & 0o777, readFileSync(file, "utf8")], [0o600, "before"]);
});
