import assert from "node:assert/strict";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  makeRoomToStart,
  WHOLE_BALLAST,
  withBallast,
} from "../../../../../../src/adapters/storage/sqlite/disk/ballast.ts";
import { loggerTo } from "../../../../../../src/runtime/log.ts";
import { DELIVERED, accept, claimOne, newMail, settlement } from "../../../../../contract/mails.ts";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { MemoryJournal } from "../../../../../support/memory-journal.ts";
import { fillUp, smallDisk, smallDiskMissing } from "../../../../../support/small-disk.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import { systemError } from "./file-faults.ts";
import { FlakyDisk } from "./flaky-disk.ts";

const MEGABYTE = 1024 * 1024;
const FULL = { kind: "refused", why: "full" };
const ALL = { verb: "delete", filter: {}, who: "x", now: 1 } as const;

/** A store with a ballast, on a disk that other programs can fill. */
async function openBallasted(disk = new FlakyDisk()) {
  const journal = new MemoryJournal();
  const store = await openSqliteStore({ disk, journal });
  const told = () => journal.of("store.condition");
  const file = join(store.folder, "ballast");
  const left = (): number | undefined => statSync(file, { throwIfNoEntry: false })?.size;
  /** No block is free until `until` bytes of the ballast are given up. */
  const othersTakeAll = (until: number): void => {
    disk.free = 0;
    disk.failCommit = () => ((left() ?? 0) > WHOLE_BALLAST - until ? "SQLITE_FULL" : undefined);
  };
  return { ...store, disk, file, left, told, othersTakeAll };
}

describe("the ballast", () => {
  it("is made a second after the start, is private, and does not count as room for mail", async () => {
    await using store = await openBallasted();
    const room = store.intake.room();
    assert.equal(store.left(), undefined);
    assert.equal(room, store.disk.free - WHOLE_BALLAST);
    store.clock.advance(1000);
    assert.deepEqual([store.left(), statSync(store.file).mode & 0o777], [WHOLE_BALLAST, 0o600]);
    store.disk.free -= WHOLE_BALLAST;
    store.clock.advance(1000);
    assert.equal(store.intake.room(), room);
  });

  it("is given up piece by piece for claims, settlements and operators, never for new mail", async () => {
    await using store = await openBallasted();
    store.clock.advance(1000);
    for (let n = 0; n < 2; n++) await accept(store.intake, newMail(store.clock.now()));
    store.othersTakeAll(MEGABYTE);
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), FULL);
    assert.equal(store.left(), WHOLE_BALLAST);
    const [mail] = await store.work.claim({ domain: "one.test", limit: 1, now: store.clock.now() });
    assert.equal(store.left(), WHOLE_BALLAST - MEGABYTE);
    store.othersTakeAll(3 * MEGABYTE);
    const settle = settlement(mail as never, { state: "gone", outcome: DELIVERED }, 1);
    assert.equal(await store.work.settle(settle), true);
    assert.equal(store.left(), WHOLE_BALLAST - 3 * MEGABYTE);
    store.othersTakeAll(4 * MEGABYTE);
    assert.equal(await store.control.operate(ALL), 1, "deleting makes room");
    const short = store.told().filter(({ ballast }) => ballast !== undefined);
    assert.deepEqual(short, [
      {
        kind: "store.condition",
        condition: "full",
        why: "no block was left, so the ballast is being given up",
        free: 0,
        ballast: WHOLE_BALLAST - MEGABYTE,
      },
    ]);
  });

  it("is not refilled before there is room for new mail", async () => {
    await using store = await openBallasted();
    store.clock.advance(1000);
    await accept(store.intake, newMail(store.clock.now()));
    store.othersTakeAll(MEGABYTE);
    await claimOne(store);
    store.clock.advance(6000);
    assert.equal(store.left(), WHOLE_BALLAST - MEGABYTE);
  });

  it("is reported once when it is used up, and no mail is lost", async () => {
    await using store = await openBallasted();
    store.clock.advance(1000);
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail);
    store.othersTakeAll(2 * WHOLE_BALLAST);
    const claim = (): Promise<unknown> =>
      store.work.claim({ domain: "one.test", limit: 1, now: store.clock.now() });
    await assert.rejects(claim(), { message: /says SQLITE_FULL/ });
    await assert.rejects(claim());
    assert.deepEqual(
      store.told().map(({ ballast }) => ballast),
      [undefined, WHOLE_BALLAST - MEGABYTE, 0],
    );
    assert.equal((await store.reader.show(mail.id))?.recipients[0]?.state, "waiting");
  });

  it("is refilled completely before new mail is accepted again", async () => {
    await using store = await openBallasted();
    store.clock.advance(1000);
    store.othersTakeAll(MEGABYTE);
    await store.work.claim({ domain: "one.test", limit: 1, now: store.clock.now() });
    store.disk.free = 1e9;
    store.disk.failFill = "EDQUOT";
    store.clock.advance(6000);
    const conditions = store.told().map(({ condition }) => condition);
    assert.deepEqual(new Set(conditions), new Set(["full"]), "a quota does not show in the free space");
    store.disk.failFill = undefined;
    store.clock.advance(6000);
    assert.deepEqual([store.intake.condition(), store.left()], ["ok", WHOLE_BALLAST]);
  });

  it("does not let the WAL grow while it is being used up", async () => {
    await using store = await openBallasted();
    store.clock.advance(1000);
    for (let n = 0; n < 20; n++) await accept(store.intake, newMail(store.clock.now()), Buffer.alloc(40_000));
    store.othersTakeAll(MEGABYTE);
    const size = (): number => statSync(join(store.folder, "queue.sqlite-wal")).size;
    const settleOne = async (): Promise<void> => {
      const [mail] = await store.work.claim({ domain: "one.test", limit: 1, now: store.clock.now() });
      await store.work.settle(settlement(mail as never, { state: "gone", outcome: DELIVERED }, 1));
    };
    await settleOne();
    const before = size();
    for (let n = 1; n < 20; n++) await settleOne();
    assert.equal(size(), before);
  });

  it("that finds no room makes the store refuse new mail until it is complete", async () => {
    await using store = await openBallasted();
    store.disk.failFill = "ENOSPC";
    store.clock.advance(1000);
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), FULL);
    store.disk.failFill = undefined;
    store.clock.advance(6000);
    assert.equal(store.left(), WHOLE_BALLAST);
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), { kind: "accepted" });
  });

  it("that cannot be made is logged, and mail is still accepted", async () => {
    await using folder = await tempFolder();
    mkdirSync(join(folder.path, "ballast"));
    const lines: string[] = [];
    const log = loggerTo((level, message) => void lines.push(`${level} ${message}`));
    await using store = await openSqliteStore({ folder: folder.path, log });
    store.clock.advance(3000);
    assert.deepEqual(lines, ["warn there is no ballast: deliveries will stop when the disk is full"]);
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), { kind: "accepted" });
  });

  it("that cannot be given up leaves the disk full, which is reported each time", async () => {
    await using folder = await tempFolder();
    mkdirSync(join(folder.path, "ballast"));
    const disk = new FlakyDisk();
    const journal = new MemoryJournal();
    await using store = await openSqliteStore({ folder: folder.path, disk, journal });
    await accept(store.intake, newMail(store.clock.now()));
    for (let time = 1; time <= 2; time++) {
      disk.failCommit = "SQLITE_FULL";
      await assert.rejects(claimOne(store), /the test says SQLITE_FULL/);
      assert.equal(store.writer.condition, "full");
      const told = journal.of("store.condition").filter(({ why }) => why.endsWith("is used up"));
      assert.equal(told.length, time, "reported each time");
      disk.failCommit = undefined;
      store.clock.advance(6000);
      assert.equal(store.writer.condition, "ok");
    }
    assert.equal((await claimOne(store)).recipients.length, 1);
  });
});

describe("a piece of the ballast", () => {
  async function openFolder(octets: number) {
    const folder = await tempFolder();
    const file = join(folder.path, "ballast");
    writeFileSync(file, Buffer.alloc(octets, "x"));
    return Object.assign(folder, { left: () => statSync(file).size });
  }

  it("is given up for an act that finds no room, repeatedly until nothing is left", async () => {
    await using folder = await openFolder(MEGABYTE + 1000);
    const act = (): never => {
      throw systemError("ENOSPC");
    };
    assert.throws(() => withBallast(folder.path, act), { code: "ENOSPC" });
    assert.equal(folder.left(), 0);
  });

  it("is kept if the act fails for another reason", async () => {
    for (const code of ["EMFILE", "EIO", "SQLITE_BUSY"]) {
      await using folder = await openFolder(MEGABYTE);
      const act = (): never => {
        throw systemError(code);
      };
      assert.throws(() => withBallast(folder.path, act), { code });
      assert.equal(folder.left(), MEGABYTE, code);
    }
  });

  it("is given up before the start if the disk is almost full", { skip: smallDiskMissing() }, async () => {
    await using folder = await tempFolder();
    const data = join(folder.path, "data");
    await using _disk = smallDisk(data, 8);
    const ballast = join(data, "ballast");
    writeFileSync(ballast, Buffer.alloc(4 * MEGABYTE, "x"));
    makeRoomToStart(data);
    assert.equal(statSync(ballast).size, 4 * MEGABYTE, "there is room");
    fillUp(data, MEGABYTE / 2);
    makeRoomToStart(data);
    assert.equal(statSync(ballast).size, 3 * MEGABYTE);
  });
});
