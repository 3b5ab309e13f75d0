import assert from "node:assert/strict";
import fs, { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { WHOLE_BALLAST } from "../../../../../../src/adapters/storage/sqlite/disk/ballast.ts";
import { openCheckpointConnection } from "../../../../../../src/adapters/storage/sqlite/disk/connection.ts";
import { checkpointInPlace, pagesWaiting } from "../../../../../../src/adapters/storage/sqlite/disk/wal.ts";
import {
  checkDatabase,
  connectWork,
  type WriterOptions,
} from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import type { NewMail } from "../../../../../../src/ports/intake.ts";
import type { ClaimedMail, WorkEvent } from "../../../../../../src/ports/work-store.ts";
import type { IntakeMethods } from "../../../../../../src/adapters/storage/sqlite/wire/wire.ts";
import { openChannel } from "../../../../../../src/runtime/channel.ts";
import { DSN_DOMAIN } from "../../../../../../src/ports/dsn.ts";
import { loggerTo } from "../../../../../../src/runtime/log.ts";
import {
  DELIVERED,
  REFUSED,
  SETTINGS,
  accept,
  bodyOf,
  claimOne,
  fillBody,
  newMail,
  settlement,
  to,
} from "../../../../../contract/mails.ts";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { MemoryJournal } from "../../../../../support/memory-journal.ts";
import { waitFor } from "../../../../../support/wait.ts";
import { systemError } from "./file-faults.ts";
import { FlakyDisk } from "./flaky-disk.ts";

const ACCEPTED = { kind: "accepted" };
const FULL = { kind: "refused", why: "full" };
const SICK = { kind: "refused", why: "sick" };

async function openOnFlakyDisk(options: Partial<WriterOptions> = {}) {
  const disk = new FlakyDisk();
  const journal = new MemoryJournal();
  const store = await openSqliteStore({ disk, journal, reserve: { bytes: 1e9 }, ...options });
  const changes = () => journal.of("store.condition");
  return { ...store, disk, changes, conditions: () => changes().map(({ condition }) => condition) };
}

/** Removes the commit faults and waits until the store has proven the disk and is ok again. */
function recover({ disk, clock, writer }: Awaited<ReturnType<typeof openOnFlakyDisk>>): void {
  Object.assign(disk, { failCommit: undefined, failAfterCommit: undefined });
  clock.advance(5000);
  assert.equal(writer.condition, "ok");
}

/** Asserts that a closed store opens no connection again: it would write to the files of the next store. */
function assertStaysClosed({ disk, clock }: Awaited<ReturnType<typeof openOnFlakyDisk>>): void {
  const opened = disk.opened.length;
  clock.advance(20_000);
  assert.equal(disk.opened.length, opened);
}

/** Makes every call on a file below the folder fail, as on a file system that was shut down. */
function deadDisk(t: TestContext, folder: string): { revive(): void } {
  const mocks = (["statSync", "openSync", "rmSync", "truncateSync"] as const).map((name) => {
    const real = fs[name] as (file: string, ...more: unknown[]) => unknown;
    const { mock } = t.mock.method(fs, name, (file: string, ...more: unknown[]) => {
      if (file.startsWith(folder)) throw systemError("EIO");
      return real(file, ...more);
    });
    return mock;
  });
  const revive = (): void => {
    for (const mock of mocks) mock.restore();
    syncBuiltinESMExports();
  };
  syncBuiltinESMExports();
  t.after(revive);
  return { revive };
}

describe("a full disk", () => {
  it("refuses new mail below the reserve, still settles, and accepts mail again when there is room", async () => {
    await using store = await openOnFlakyDisk();
    const { disk } = store;
    assert.equal(store.intake.room(), 1e12 - 1e9 - WHOLE_BALLAST);
    await accept(store.intake, newMail(store.clock.now()));
    disk.free = 1e9;
    store.clock.advance(1000);
    assert.deepEqual([store.intake.condition(), store.intake.room()], ["full", 0]);
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), FULL);
    const [mail] = await store.work.claim({ domain: "one.test", limit: 1, now: store.clock.now() });
    assert.equal(
      await store.work.settle(settlement(mail as never, { state: "gone", outcome: DELIVERED }, 1)),
      true,
    );
    disk.free = 2e9;
    store.clock.advance(1000);
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), ACCEPTED);
    assert.deepEqual(store.conditions(), ["full", "ok"]);
  });

  it("refuses a notice, too, and gives up no ballast for it", async () => {
    await using store = await openOnFlakyDisk();
    store.clock.advance(1000);
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail);
    const { id, token } = await claimOne(store);
    const now = store.clock.now();
    const parked = { n: 0, state: "parked", outcome: REFUSED, owes: "failed" } as const;
    assert.equal(await store.work.settle({ id, token, recipients: [parked], now }), true);
    const notice = newMail(now, { sender: "", recipients: [{ address: mail.sender, domain: DSN_DOMAIN }] });
    const told = { kind: "failed", at: now, notice: notice.id } as const;
    const request = { id, recipients: [0], told, notice: { mail: notice, body: Buffer.from("told") } };
    const ballast = statSync(join(store.folder, "ballast")).size;
    store.disk.failCommit = "SQLITE_FULL";
    await assert.rejects(store.work.told(request), /SQLITE_FULL/);
    assert.equal(statSync(join(store.folder, "ballast")).size, ballast);
    store.disk.failCommit = undefined;
    store.clock.advance(6000);
    assert.equal(await store.work.told(request), true, "the notice is still owed");
  });

  it("refuses mail that was on its way to the store when the disk became full", async () => {
    await using store = await openOnFlakyDisk();
    const body = await fillBody(store.intake, Buffer.alloc(100_000));
    const answer = store.intake.accept(newMail(store.clock.now()), body);
    store.disk.free = 1e9;
    store.clock.advance(1000);
    assert.deepEqual(await answer, FULL);
  });

  it("is detected after much was written, without a wait for the next periodic check", async () => {
    await using store = await openOnFlakyDisk();
    store.disk.free = 1e9;
    const body = Buffer.alloc(8 * 1024 * 1024);
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now()), body), ACCEPTED);
    assert.equal(store.intake.condition(), "ok");
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now()), body), ACCEPTED);
    assert.equal(store.intake.condition(), "full");
  });

  it("keeps its condition, full or ok, while the file system does not report its free space", async () => {
    await using store = await openOnFlakyDisk();
    const untold = (): never => {
      throw systemError("EIO");
    };
    const told = store.disk.space.bind(store.disk);
    store.disk.space = untold;
    store.clock.advance(6000);
    assert.equal(store.intake.condition(), "ok");
    Object.assign(store.disk, { space: told, free: 1e9 });
    store.clock.advance(30_000);
    assert.equal(store.intake.condition(), "full");
    store.disk.space = untold;
    store.clock.advance(6000);
    assert.equal(store.intake.condition(), "full");
  });

  it("becomes sick if a commit fails with an I/O error after room was made", async () => {
    await using store = await openOnFlakyDisk();
    await accept(store.intake, newMail(store.clock.now()));
    const codes = ["SQLITE_FULL", "SQLITE_IOERR_FSYNC"];
    store.disk.failCommit = () => codes.shift();
    await assert.rejects(claimOne(store), /SQLITE_IOERR_FSYNC/);
    assert.deepEqual(store.conditions(), ["full", "sick"]);
    recover(store);
    assert.equal((await claimOne(store)).recipients.length, 1);
  });

  it("applies a changed reserve at once", async () => {
    await using store = await openOnFlakyDisk();
    store.writer.setReserve({ percent: 60 });
    assert.equal(store.intake.condition(), "full");
    store.writer.setReserve({ percent: 10 });
    assert.equal(store.intake.condition(), "ok");
    assert.equal(store.intake.room(), 8e11 - WHOLE_BALLAST);
    store.writer.setReserve({ percent: 0 });
    assert.equal(store.intake.room(), 1e12 - 256e6, "a share counts as at least 256 MB");
    store.writer.setReserve({ bytes: 0 });
    assert.equal(store.intake.room(), 1e12, "a reserve in bytes has no minimum");
  });

  it("stays full for a while after a write found no room, whatever the free space is", async () => {
    await using store = await openOnFlakyDisk();
    store.disk.failCommit = "SQLITE_FULL";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), FULL);
    store.disk.failCommit = undefined;
    // A change of the wall clock makes this time neither shorter nor longer.
    store.clock.set(3_600_000);
    store.clock.advance(1000);
    assert.equal(store.intake.condition(), "full");
    store.clock.set(-7_200_000);
    store.clock.advance(5000);
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), ACCEPTED);
  });
});

describe("a write that failed with SQLite's general I/O error", () => {
  it("counts as a full disk if the system reports that a quota is used up", async () => {
    await using store = await openOnFlakyDisk();
    const { disk } = store;
    await accept(store.intake, newMail(store.clock.now()));
    store.clock.advance(1000);
    disk.failFill = "EDQUOT";
    let commits = 0;
    disk.failCommit = () => ((commits += 1) <= 2 ? "SQLITE_IOERR_WRITE" : undefined);
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), FULL);
    const [mail] = await store.work.claim({ domain: "one.test", limit: 1, now: store.clock.now() });
    assert.ok(mail !== undefined, "a piece of the ballast makes room");
    const settle = settlement(mail, { state: "gone", outcome: DELIVERED }, 1);
    assert.equal(await store.work.settle(settle), true);
    assert.equal(existsSync(join(store.folder, "room")), false);
    disk.failFill = undefined;
    store.clock.advance(6000);
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), ACCEPTED);
    assert.ok(!store.conditions().includes("sick"));
  });

  it("counts as a full disk, too, if it was a checkpoint", async () => {
    await using store = await openOnFlakyDisk();
    store.clock.advance(1000);
    await accept(store.intake, newMail(store.clock.now()));
    store.disk.failFill = "EDQUOT";
    store.disk.failCheckpoint = "SQLITE_IOERR_WRITE";
    await waitFor({ what: "a checkpoint", deadline: 20_000 }, () => {
      store.clock.advance(1000);
      return store.conditions().length > 0;
    });
    assert.deepEqual(new Set(store.conditions()), new Set(["full"]));
  });

  it("is not diagnosed if the mail itself cannot be stored; the condition stays ok", async () => {
    await using store = await openOnFlakyDisk();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail);
    store.disk.failFill = "EDQUOT";
    assert.deepEqual(await accept(store.intake, mail), { kind: "refused", why: "row" });
    assert.equal(store.intake.condition(), "ok");
  });

  for (const told of ["EIO", undefined])
    it(`counts as a sick disk if the system reports ${told ?? "that there is room"}`, async () => {
      await using store = await openOnFlakyDisk();
      store.clock.advance(1000);
      store.disk.failFill = told;
      store.disk.failCommit = "SQLITE_IOERR_WRITE";
      assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
      assert.equal(store.intake.condition(), "sick");
      assert.equal(existsSync(join(store.folder, "room")), false);
    });
});

describe("a sick disk", () => {
  // SQLITE_ERROR is no fault of a job if it comes from the commit.
  for (const code of ["SQLITE_IOERR_FSYNC", "SQLITE_READONLY", "SQLITE_CORRUPT", "SQLITE_ERROR"]) {
    it(`stops all work after ${code} until the disk is proven`, async () => {
      await using store = await openOnFlakyDisk();
      const { disk } = store;
      const events: WorkEvent[] = [];
      store.work.onEvent((event) => events.push(event));
      const before = newMail(store.clock.now());
      await accept(store.intake, before);
      const [mail] = await store.work.claim({ domain: "one.test", limit: 1, now: store.clock.now() });
      disk.failCommit = code;
      assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
      assert.equal(store.intake.condition(), "sick");
      assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
      await assert.rejects(store.work.claim({ domain: "one.test", limit: 1, now: 0 }));
      const settle = settlement(mail as never, { state: "gone", outcome: DELIVERED }, 1);
      await assert.rejects(store.work.settle(settle));
      await assert.rejects(store.control.operate({ verb: "hold", filter: {}, who: "x", now: 1 }));
      assert.equal(disk.opened[0]?.open, false, "the connection is closed");
      disk.failProof = "EIO";
      disk.failCommit = undefined;
      store.clock.advance(20_000);
      assert.equal(store.intake.condition(), "sick");
      Object.assign(disk, { failProof: undefined, proofs: 0 });
      store.clock.advance(5000);
      assert.deepEqual([store.intake.condition(), disk.proofs], ["ok", 3]);
      assert.equal(await store.work.settle(settle), true, "a claim is kept while the disk is sick");
      assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), ACCEPTED);
      assert.deepEqual(store.conditions(), ["sick", "ok"]);
      const told = events.flatMap((event) => (event.kind === "condition" ? [event.condition] : []));
      assert.deepEqual(told, ["sick", "ok"]);
    });
  }

  it("reports to the operator what to do if the database is damaged", async () => {
    await using store = await openOnFlakyDisk();
    store.disk.failCommit = "SQLITE_CORRUPT_INDEX";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    assert.match(
      store.changes()[0]?.why ?? "",
      /; stop the daemon and copy the data folder, docs\/operating\.md says how/,
    );
  });

  it("copies all of the WAL again, including what a checkpoint had copied before", async () => {
    await using store = await openOnFlakyDisk();
    await accept(store.intake, newMail(store.clock.now()));
    const other = openCheckpointConnection(store.folder);
    checkpointInPlace(other);
    assert.equal(pagesWaiting(other), 0);
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    assert.notEqual(pagesWaiting(other), 0);
    recover(store);
    other.close();
  });

  it("after recovery, removes all mail that was refused although its commit reached the disk", async () => {
    await using store = await openOnFlakyDisk();
    store.disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    const refused = [newMail(store.clock.now()), newMail(store.clock.now())];
    const bodies = await Promise.all(["a", "b"].map((text) => fillBody(store.intake, text)));
    const answers = bodies.map((body, i) => store.intake.accept(refused[i] as NewMail, body));
    assert.deepEqual(await Promise.all(answers), [SICK, SICK]);
    const found = async () => Promise.all(refused.map(({ id }) => store.reader.show(id)));
    assert.ok(
      (await found()).every((mail) => mail !== undefined),
      "the mails are on the disk",
    );
    recover(store);
    assert.deepEqual(await found(), [undefined, undefined], "their senders keep the mails");
    assert.equal(existsSync(join(store.folder, "refused")), false);
    // The next mail reuses a key of the removed mails.
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now()), "new"), ACCEPTED);
    assert.equal((await bodyOf(await claimOne(store))).toString(), "new");
  });

  it("after recovery, shows a directory change that was reported as failed but reached the disk", async () => {
    await using store = await openOnFlakyDisk();
    await store.control.addDomain({ name: "a.test", settings: SETTINGS });
    store.disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    await assert.rejects(
      store.control.addDomain({ name: "b.test", settings: SETTINGS }),
      /SQLITE_IOERR_FSYNC/,
    );
    recover(store);
    const listed = (await store.reader.domains()).map(({ name }) => name);
    assert.deepEqual(listed, ["a.test", "b.test"]);
    const { directory } = store;
    assert.deepEqual(directory.names(directory.generation()).toSorted(), listed, "the names that SMTP uses");
  });

  it("recovers even if the old connection cannot be closed", async () => {
    await using store = await openOnFlakyDisk();
    const [lost = assert.fail("no database")] = store.disk.opened;
    const close = lost.close.bind(lost);
    lost.close = () => {
      throw systemError("EIO");
    };
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    recover(store);
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), ACCEPTED);
    close();
  });

  it("after recovery, removes a refused mail whose body has a file", async () => {
    await using store = await openOnFlakyDisk();
    store.disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    const refused = newMail(store.clock.now());
    assert.deepEqual(await accept(store.intake, refused, Buffer.alloc(100_000)), SICK);
    assert.ok(await store.reader.show(refused.id), "the mail is on the disk");
    recover(store);
    assert.equal(await store.reader.show(refused.id), undefined, "its sender keeps the mail");
  });

  it("after recovery, keeps a mail that was accepted earlier under the id of a refused one", async () => {
    await using store = await openOnFlakyDisk();
    const first = newMail(store.clock.now());
    await accept(store.intake, first);
    store.disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, first), SICK);
    recover(store);
    assert.ok(await store.reader.show(first.id));
  });

  it("after recovery, makes a mail waiting again whose claim reached the disk but no thread", async () => {
    await using store = await openOnFlakyDisk();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail);
    const state = async () => (await store.reader.show(mail.id))?.recipients[0]?.state;
    store.disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    await assert.rejects(claimOne(store));
    assert.equal(await state(), "claimed");
    recover(store);
    assert.equal(await state(), "waiting");
  });

  it("keeps a claim if the commit of its settlement failed", async () => {
    await using store = await openOnFlakyDisk();
    await accept(store.intake, newMail(store.clock.now()));
    const settle = settlement(await claimOne(store), { state: "gone", outcome: DELIVERED }, 1);
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    await assert.rejects(store.work.settle(settle));
    recover(store);
    assert.equal(await store.work.settle(settle), true);
  });

  it("keeps a claim by grant, too", async () => {
    await using store = await openOnFlakyDisk();
    const claims: ClaimedMail[] = [];
    store.work.onEvent((event) => event.kind === "claimed" && claims.push(event.mail));
    store.work.grant("one.test", 1);
    await store.work.work();
    await accept(store.intake, newMail(store.clock.now()));
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    recover(store);
    const [claim] = claims as [ClaimedMail];
    const settle = settlement(claim, { state: "gone", outcome: DELIVERED }, store.clock.now());
    assert.equal(await store.work.settle(settle), true);
  });

  it("keeps a partly settled claim, too", async () => {
    await using store = await openOnFlakyDisk();
    const mail = newMail(store.clock.now(), { recipients: to("a@one.test", "b@one.test") });
    await accept(store.intake, mail);
    const { recipients, ...settle } = settlement(
      await claimOne(store),
      { state: "gone", outcome: DELIVERED },
      1,
    );
    assert.equal(await store.work.settle({ ...settle, recipients: recipients.slice(0, 1) }), true);
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    recover(store);
    assert.equal(await store.work.settle({ ...settle, recipients: recipients.slice(1) }), true);
  });

  for (const [when, fails] of [
    ["by a commit", "SQLITE_IOERR_WRITE"],
    ["by a check of the files", undefined],
  ] as const)
    it(`that fails every call is noticed ${when}, and does not end the storage thread`, async (t) => {
      await using store = await openOnFlakyDisk();
      const mail = newMail(store.clock.now());
      await accept(store.intake, mail);
      const dead = deadDisk(t, store.folder);
      store.disk.failCommit = fails;
      if (fails === undefined) store.clock.advance(1000);
      else assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
      assert.equal(store.writer.condition, "sick");
      store.clock.advance(20_000);
      assert.equal(store.writer.condition, "sick");
      dead.revive();
      recover(store);
      assert.ok(await store.reader.show(mail.id));
    });

  it("stays sick while the database is damaged", async () => {
    await using store = await openOnFlakyDisk();
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    Object.assign(store.disk, { failCommit: undefined, damage: "Tree 3 page 7: never used" });
    store.clock.advance(5000);
    assert.equal(store.writer.condition, "sick");
    assert.deepEqual(
      store.disk.opened.map(({ open }) => open),
      [false, false],
      "a failed attempt to recover leaves no connection open",
    );
    store.disk.damage = undefined;
    recover(store);
  });

  it("stays sick while checkpoints fail, even if the proof succeeds", async () => {
    await using store = await openOnFlakyDisk();
    await accept(store.intake, newMail(store.clock.now()));
    store.disk.failCommit = store.disk.failCheckpoint = "SQLITE_IOERR_WRITE";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    store.disk.failCommit = undefined;
    store.clock.advance(20_000);
    assert.deepEqual(store.conditions(), ["sick"]);
    store.disk.failCheckpoint = undefined;
    recover(store);
  });

  it("gives up ballast to checkpoint the WAL if the disk is full as well", async () => {
    await using store = await openOnFlakyDisk();
    store.clock.advance(1000);
    assert.equal(statSync(join(store.folder, "ballast")).size, WHOLE_BALLAST);
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    store.disk.failCheckpoint = "SQLITE_FULL";
    store.clock.advance(5000);
    assert.equal(statSync(join(store.folder, "ballast")).size, 0);
    store.disk.failCheckpoint = undefined;
    recover(store);
  });

  it("removes refused mail at the next start if the store stops before the disk recovers", async () => {
    await using store = await openOnFlakyDisk();
    await accept(store.intake, newMail(store.clock.now()));
    store.disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    const refused = newMail(store.clock.now());
    assert.deepEqual(await accept(store.intake, refused), SICK);
    await store.writer.close();
    assertStaysClosed(store);
    assert.ok(await store.reader.show(refused.id), "the mail is on the disk");
    await using again = await openSqliteStore({ folder: store.folder, clock: store.clock });
    assert.equal(await again.reader.show(refused.id), undefined);
    assert.equal((await again.reader.list({ filter: {}, limit: 10 })).items.length, 1);
    assert.equal(existsSync(join(store.folder, "refused")), false);
  });

  it("removes refused mail at the next start if its commit failed while the store was closing", async () => {
    await using store = await openOnFlakyDisk();
    let closing: Promise<void> | undefined;
    store.disk.failCommit = () => void (closing ??= store.writer.close());
    store.disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    const refused = newMail(store.clock.now());
    assert.deepEqual(await accept(store.intake, refused), SICK);
    await closing;
    assertStaysClosed(store);
    assert.ok(await store.reader.show(refused.id), "the mail is on the disk");
    await using again = await openSqliteStore({ folder: store.folder, clock: store.clock });
    assert.equal(again.writer.unclean, true);
    assert.equal(await again.reader.show(refused.id), undefined);
  });

  it("stays closed if a later commit, of jobs that waited at the close, fails", async () => {
    await using store = await openOnFlakyDisk();
    let closing: Promise<void> | undefined;
    store.disk.failCommit = () => {
      if (closing !== undefined) return "SQLITE_IOERR_FSYNC";
      closing = store.writer.close();
      return undefined;
    };
    const bodies = await Promise.all(Array.from({ length: 1001 }, () => fillBody(store.intake, "x")));
    const answers = bodies.map((body) => store.intake.accept(newMail(store.clock.now()), body));
    const kinds = (await Promise.all(answers)).map(({ kind }) => kind);
    assert.deepEqual(new Set(kinds), new Set(["accepted", "refused"]));
    await closing;
    assertStaysClosed(store);
    assert.equal(store.disk.opened[0]?.open, false);
  });

  it("stays sick, and recovers normally, if a client reports it again", async () => {
    await using store = await openOnFlakyDisk();
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    const channel = openChannel<IntakeMethods>(store.port("intake"));
    await channel.call("trouble", { why: "sick", text: "EIO" });
    assert.equal(store.writer.condition, "sick");
    recover(store);
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), ACCEPTED);
  });

  it("gives up ballast to write the note of refused mail if the disk is full as well", async (t) => {
    await using store = await openOnFlakyDisk();
    store.clock.advance(1000);
    const ballast = join(store.folder, "ballast");
    const { writeSync } = fs;
    const { mock } = t.mock.method(fs, "writeSync", (...given: Parameters<typeof writeSync>) => {
      if (statSync(ballast).size === WHOLE_BALLAST) throw systemError("ENOSPC");
      return writeSync(...given);
    });
    syncBuiltinESMExports();
    store.disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    const refused = newMail(store.clock.now());
    const answer = await accept(store.intake, refused);
    mock.restore();
    syncBuiltinESMExports();
    assert.deepEqual(answer, SICK);
    assert.equal(readFileSync(join(store.folder, "refused"), "latin1"), `${refused.id}\n`);
  });

  it("logs the ids of refused mails if the note cannot be written", async () => {
    const lines: { readonly ids?: unknown }[] = [];
    const log = loggerTo((_level, _text, facts) => lines.push(facts ?? {}));
    await using store = await openOnFlakyDisk({ log });
    mkdirSync(join(store.folder, "refused"));
    store.disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    const refused = newMail(store.clock.now());
    assert.deepEqual(await accept(store.intake, refused), SICK);
    assert.deepEqual(lines.at(-1)?.ids, [refused.id]);
    await rm(join(store.folder, "refused"), { recursive: true });
  });

  it("reports only once that spool files cannot be written", async () => {
    await using store = await openOnFlakyDisk();
    const bodies = await Promise.all([1, 2].map(() => fillBody(store.intake, Buffer.alloc(100_000))));
    await rename(join(store.folder, "spool"), join(store.folder, "moved"));
    const answers = bodies.map((body) => store.intake.accept(newMail(store.clock.now()), body));
    assert.deepEqual(await Promise.all(answers), [SICK, SICK]);
    await waitFor({ what: "the writer to know", deadline: 20_000 }, () => store.writer.condition === "sick");
    await rename(join(store.folder, "moved"), join(store.folder, "spool"));
    store.clock.advance(5000);
    assert.deepEqual(store.conditions(), ["sick", "ok"]);
  });
});

describe("a delivery thread that dies", () => {
  async function withClaim(credits = 0) {
    const store = await openOnFlakyDisk();
    store.work.grant("one.test", credits);
    await store.work.work();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail);
    if (credits === 0) await claimOne(store);
    const state = async () => (await store.reader.show(mail.id))?.recipients[0]?.state;
    const givenUp = () =>
      waitFor(
        { what: "the claim to become unconfirmed", deadline: 20_000 },
        async () => (await state()) === "unconfirmed",
      );
    return { ...store, givenUp };
  }

  for (const [what, credits] of [
    ["its claims", 0],
    ["the claims by its grant", 1],
  ] as const)
    it(`leaves ${what} unconfirmed for another thread`, async () => {
      await using store = await withClaim(credits);
      store.closeWorkPort();
      await store.givenUp();
    });

  it("does not affect the claims of the thread that replaces it", async () => {
    await using store = await withClaim();
    const next = connectWork(store.port("work"), { folder: store.folder });
    await accept(store.intake, newMail(store.clock.now()));
    const claim = await claimOne({ work: next, clock: store.clock });
    store.closeWorkPort();
    await store.givenUp();
    const settle = settlement(claim, { state: "gone", outcome: DELIVERED }, store.clock.now());
    assert.equal(await next.settle(settle), true);
  });

  it("gets no more mail by its grant, even while its claims cannot be given up yet", async (t) => {
    await using store = await withClaim(5);
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    const timers = t.mock.method(store.clock, "after").mock;
    store.closeWorkPort();
    await waitFor({ what: "another attempt", deadline: 20_000 }, () => timers.callCount() > 0);
    recover(store);
    const mail = newMail(store.clock.now());
    assert.deepEqual(await accept(store.intake, mail), ACCEPTED);
    await store.givenUp();
    assert.equal((await store.reader.show(mail.id))?.recipients[0]?.state, "waiting");
  });

  it("is replaced by a thread that is told at once that the disk is sick", async () => {
    await using store = await withClaim();
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    const next = connectWork(store.port("work"), { folder: store.folder });
    const events: WorkEvent[] = [];
    next.onEvent((event) => events.push(event));
    await waitFor({ what: "the condition to be reported", deadline: 20_000 }, () => events.length > 0);
    assert.deepEqual(events, [{ kind: "condition", condition: "sick" }]);
  });

  it("leaves its claims unconfirmed, also if the disk was sick when it died", async (t) => {
    await using store = await withClaim();
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    const timers = t.mock.method(store.clock, "after").mock;
    store.closeWorkPort();
    await waitFor({ what: "another attempt", deadline: 20_000 }, () => timers.callCount() > 0);
    recover(store);
    await store.givenUp();
  });
});

describe("the marker of a clean stop", () => {
  it("exists only between a clean stop and the next start", async () => {
    const store = await openSqliteStore();
    const marker = join(store.folder, "clean");
    assert.equal(store.writer.unclean, false);
    assert.equal(existsSync(marker), false);
    await accept(store.intake, newMail(store.clock.now()));
    await store.writer.close();
    assert.equal(existsSync(marker), true);
    assert.deepEqual(checkDatabase(store.folder), []);
    {
      await using again = await openSqliteStore({ folder: store.folder, clock: store.clock });
      assert.equal(again.writer.unclean, false);
      assert.equal(existsSync(marker), false);
    }
    await store[Symbol.asyncDispose]();
  });

  it("is written after all waiting jobs, even if they need more than one commit", async () => {
    await using store = await openOnFlakyDisk();
    let closing: Promise<void> | undefined;
    store.disk.failCommit = () => void (closing ??= store.writer.close());
    const bodies = await Promise.all(Array.from({ length: 1001 }, () => fillBody(store.intake, "x")));
    const answers = bodies.map((body) => store.intake.accept(newMail(store.clock.now()), body));
    const kinds = (await Promise.all(answers)).map(({ kind }) => kind);
    assert.deepEqual(new Set(kinds), new Set(["accepted"]));
    await closing;
    assert.equal(existsSync(join(store.folder, "clean")), true);
  });

  it("is missing if the last checkpoint fails, which affects neither the stop nor the mail", async () => {
    const store = await openOnFlakyDisk();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail);
    store.disk.failCheckpoint = "SQLITE_FULL";
    await assert.doesNotReject(store.writer.close());
    assert.equal(existsSync(join(store.folder, "clean")), false);
    {
      await using again = await openSqliteStore({ folder: store.folder, clock: store.clock });
      assert.equal(again.writer.unclean, true);
      assert.equal((await again.reader.show(mail.id))?.recipients[0]?.state, "waiting");
    }
    await store[Symbol.asyncDispose]();
  });
});
