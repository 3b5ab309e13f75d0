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

/** The disk is well, and that is proven. */
function cure({ disk, clock, writer }: Awaited<ReturnType<typeof openOnFlakyDisk>>): void {
  Object.assign(disk, { failCommit: undefined, failAfterCommit: undefined });
  clock.advance(5000);
  assert.equal(writer.condition, "ok");
}

/** A store that is cured after its end would write beside the next one. */
function assertStaysClosed({ disk, clock }: Awaited<ReturnType<typeof openOnFlakyDisk>>): void {
  const opened = disk.opened.length;
  clock.advance(20_000);
  assert.equal(disk.opened.length, opened);
}

/** Whatever is asked of a file below the folder fails, as on a file system that was shut down. */
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
  it("refuses new mail below the reserve, settles on, and heals with room", async () => {
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

  it("takes no notice either, and nothing of its ballast for one", async () => {
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
    assert.equal(await store.work.told(request), true, "it is owed still");
  });

  it("refuses what was on its way to the store while it became full", async () => {
    await using store = await openOnFlakyDisk();
    const body = await fillBody(store.intake, Buffer.alloc(100_000));
    const answer = store.intake.accept(newMail(store.clock.now()), body);
    store.disk.free = 1e9;
    store.clock.advance(1000);
    assert.deepEqual(await answer, FULL);
  });

  it("is seen as soon as much was written, without a second's wait", async () => {
    await using store = await openOnFlakyDisk();
    store.disk.free = 1e9;
    const body = Buffer.alloc(8 * 1024 * 1024);
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now()), body), ACCEPTED);
    assert.equal(store.intake.condition(), "ok");
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now()), body), ACCEPTED);
    assert.equal(store.intake.condition(), "full");
  });

  it("stays full, and a well one well, while the file system does not tell of its space", async () => {
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

  it("that is found sick when it makes room is sick", async () => {
    await using store = await openOnFlakyDisk();
    await accept(store.intake, newMail(store.clock.now()));
    const codes = ["SQLITE_FULL", "SQLITE_IOERR_FSYNC"];
    store.disk.failCommit = () => codes.shift();
    await assert.rejects(claimOne(store), /SQLITE_IOERR_FSYNC/);
    assert.deepEqual(store.conditions(), ["full", "sick"]);
    cure(store);
    assert.equal((await claimOne(store)).recipients.length, 1);
  });

  it("follows a reserve that is set anew", async () => {
    await using store = await openOnFlakyDisk();
    store.writer.setReserve({ percent: 60 });
    assert.equal(store.intake.condition(), "full");
    store.writer.setReserve({ percent: 10 });
    assert.equal(store.intake.condition(), "ok");
    assert.equal(store.intake.room(), 8e11 - WHOLE_BALLAST);
    store.writer.setReserve({ percent: 0 });
    assert.equal(store.intake.room(), 1e12 - 256e6, "a share counts as at least 256 MB");
    store.writer.setReserve({ bytes: 0 });
    assert.equal(store.intake.room(), 1e12, "a size is taken as it is");
  });

  it("believes a write that found no room, quota or not, for a while", async () => {
    await using store = await openOnFlakyDisk();
    store.disk.failCommit = "SQLITE_FULL";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), FULL);
    store.disk.failCommit = undefined;
    // Nor does a clock that somebody sets make the while shorter or longer.
    store.clock.set(3_600_000);
    store.clock.advance(1000);
    assert.equal(store.intake.condition(), "full");
    store.clock.set(-7_200_000);
    store.clock.advance(5000);
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), ACCEPTED);
  });
});

describe("a write of which SQLite says no more than that it failed", () => {
  it("found no room where the system says that a quota is used up", async () => {
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

  it("found none either where the WAL was to be emptied", async () => {
    await using store = await openOnFlakyDisk();
    store.clock.advance(1000);
    await accept(store.intake, newMail(store.clock.now()));
    store.disk.failFill = "EDQUOT";
    store.disk.failCheckpoint = "SQLITE_IOERR_WRITE";
    await waitFor({ what: "the WAL is looked at", deadline: 20_000 }, () => {
      store.clock.advance(1000);
      return store.conditions().length > 0;
    });
    assert.deepEqual(new Set(store.conditions()), new Set(["full"]));
  });

  it("of a mail that cannot be stored at all says nothing of the disk", async () => {
    await using store = await openOnFlakyDisk();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail);
    store.disk.failFill = "EDQUOT";
    assert.deepEqual(await accept(store.intake, mail), { kind: "refused", why: "row" });
    assert.equal(store.intake.condition(), "ok");
  });

  for (const told of ["EIO", undefined])
    it(`found the disk sick where the system says ${told ?? "that there is room"}`, async () => {
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
  // The last is no job's own fault where only the commit says it.
  for (const code of ["SQLITE_IOERR_FSYNC", "SQLITE_READONLY", "SQLITE_CORRUPT", "SQLITE_ERROR"]) {
    it(`stands still after ${code} until the disk is proven`, async () => {
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
      assert.equal(disk.opened[0]?.open, false, "the connection is given up");
      disk.failProof = "EIO";
      disk.failCommit = undefined;
      store.clock.advance(20_000);
      assert.equal(store.intake.condition(), "sick");
      Object.assign(disk, { failProof: undefined, proofs: 0 });
      store.clock.advance(5000);
      assert.deepEqual([store.intake.condition(), disk.proofs], ["ok", 3]);
      assert.equal(await store.work.settle(settle), true, "a claim outlives the illness");
      assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), ACCEPTED);
      assert.deepEqual(store.conditions(), ["sick", "ok"]);
      const told = events.flatMap((event) => (event.kind === "condition" ? [event.condition] : []));
      assert.deepEqual(told, ["sick", "ok"]);
    });
  }

  it("tells the operator what to do where the database is damaged: waiting will not mend it", async () => {
    await using store = await openOnFlakyDisk();
    store.disk.failCommit = "SQLITE_CORRUPT_INDEX";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    assert.match(
      store.changes()[0]?.why ?? "",
      /; stop the daemon and copy the data folder, docs\/operating\.md says how/,
    );
  });

  it("has all of the WAL copied again, what a checkpoint copied before too", async () => {
    await using store = await openOnFlakyDisk();
    await accept(store.intake, newMail(store.clock.now()));
    const other = openCheckpointConnection(store.folder);
    checkpointInPlace(other);
    assert.equal(pagesWaiting(other), 0);
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    assert.notEqual(pagesWaiting(other), 0);
    cure(store);
    other.close();
  });

  it("takes back all of what was refused and yet reached the disk", async () => {
    await using store = await openOnFlakyDisk();
    store.disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    const refused = [newMail(store.clock.now()), newMail(store.clock.now())];
    const bodies = await Promise.all(["a", "b"].map((text) => fillBody(store.intake, text)));
    const answers = bodies.map((body, i) => store.intake.accept(refused[i] as NewMail, body));
    assert.deepEqual(await Promise.all(answers), [SICK, SICK]);
    const found = async () => Promise.all(refused.map(({ id }) => store.reader.show(id)));
    assert.ok(
      (await found()).every((mail) => mail !== undefined),
      "they are on the disk",
    );
    cure(store);
    assert.deepEqual(await found(), [undefined, undefined], "their senders were told to keep them");
    assert.equal(existsSync(join(store.folder, "refused")), false);
    // The next mails get their keys.
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now()), "new"), ACCEPTED);
    assert.equal((await bodyOf(await claimOne(store))).toString(), "new");
  });

  it("shows a change of the directory that was answered as failed and yet reached the disk, once cured", async () => {
    await using store = await openOnFlakyDisk();
    await store.control.addDomain({ name: "a.test", settings: SETTINGS });
    store.disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    await assert.rejects(
      store.control.addDomain({ name: "b.test", settings: SETTINGS }),
      /SQLITE_IOERR_FSYNC/,
    );
    cure(store);
    const listed = (await store.reader.domains()).map(({ name }) => name);
    assert.deepEqual(listed, ["a.test", "b.test"]);
    const { directory } = store;
    assert.deepEqual(directory.names(directory.generation()).toSorted(), listed, "what SMTP goes by");
  });

  it("is cured, too, where the connection that is given up cannot be closed", async () => {
    await using store = await openOnFlakyDisk();
    const [lost = assert.fail("no database")] = store.disk.opened;
    const close = lost.close.bind(lost);
    lost.close = () => {
      throw systemError("EIO");
    };
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    cure(store);
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), ACCEPTED);
    close();
  });

  it("takes back what was refused and has a file", async () => {
    await using store = await openOnFlakyDisk();
    store.disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    const refused = newMail(store.clock.now());
    assert.deepEqual(await accept(store.intake, refused, Buffer.alloc(100_000)), SICK);
    assert.ok(await store.reader.show(refused.id), "it is on the disk");
    cure(store);
    assert.equal(await store.reader.show(refused.id), undefined, "its sender was told to keep it");
  });

  it("takes nothing back that was accepted before under the same id", async () => {
    await using store = await openOnFlakyDisk();
    const first = newMail(store.clock.now());
    await accept(store.intake, first);
    store.disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, first), SICK);
    cure(store);
    assert.ok(await store.reader.show(first.id));
  });

  it("puts back what was claimed on the disk and reached nobody", async () => {
    await using store = await openOnFlakyDisk();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail);
    const state = async () => (await store.reader.show(mail.id))?.recipients[0]?.state;
    store.disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    await assert.rejects(claimOne(store));
    assert.equal(await state(), "claimed");
    cure(store);
    assert.equal(await state(), "waiting");
  });

  it("leaves a claim with its owner when the commit that settled it did not happen", async () => {
    await using store = await openOnFlakyDisk();
    await accept(store.intake, newMail(store.clock.now()));
    const settle = settlement(await claimOne(store), { state: "gone", outcome: DELIVERED }, 1);
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    await assert.rejects(store.work.settle(settle));
    cure(store);
    assert.equal(await store.work.settle(settle), true);
  });

  it("leaves what was claimed by a grant with its owner, too", async () => {
    await using store = await openOnFlakyDisk();
    const claims: ClaimedMail[] = [];
    store.work.onEvent((event) => event.kind === "claimed" && claims.push(event.mail));
    store.work.grant("one.test", 1);
    await store.work.work();
    await accept(store.intake, newMail(store.clock.now()));
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    cure(store);
    const [claim] = claims as [ClaimedMail];
    const settle = settlement(claim, { state: "gone", outcome: DELIVERED }, store.clock.now());
    assert.equal(await store.work.settle(settle), true);
  });

  it("leaves a claim that is settled in part with its owner, too", async () => {
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
    cure(store);
    assert.equal(await store.work.settle({ ...settle, recipients: recipients.slice(1) }), true);
  });

  for (const [when, fails] of [
    ["by a commit", "SQLITE_IOERR_WRITE"],
    ["by a look at the files", undefined],
  ] as const)
    it(`that answers nothing at all is noticed ${when}, and does not end the storage thread`, async (t) => {
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
      cure(store);
      assert.ok(await store.reader.show(mail.id));
    });

  it("is not over while the database is damaged", async () => {
    await using store = await openOnFlakyDisk();
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    Object.assign(store.disk, { failCommit: undefined, damage: "Tree 3 page 7: never used" });
    store.clock.advance(5000);
    assert.equal(store.writer.condition, "sick");
    assert.deepEqual(
      store.disk.opened.map(({ open }) => open),
      [false, false],
      "no connection stays behind of a try",
    );
    store.disk.damage = undefined;
    cure(store);
  });

  it("is not over while the database takes nothing from the WAL, which no proof beside it tells", async () => {
    await using store = await openOnFlakyDisk();
    await accept(store.intake, newMail(store.clock.now()));
    store.disk.failCommit = store.disk.failCheckpoint = "SQLITE_IOERR_WRITE";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    store.disk.failCommit = undefined;
    store.clock.advance(20_000);
    assert.deepEqual(store.conditions(), ["sick"]);
    store.disk.failCheckpoint = undefined;
    cure(store);
  });

  it("takes room for what the WAL holds from the ballast, where it is full as well", async () => {
    await using store = await openOnFlakyDisk();
    store.clock.advance(1000);
    assert.equal(statSync(join(store.folder, "ballast")).size, WHOLE_BALLAST);
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    store.disk.failCheckpoint = "SQLITE_FULL";
    store.clock.advance(5000);
    assert.equal(statSync(join(store.folder, "ballast")).size, 0);
    store.disk.failCheckpoint = undefined;
    cure(store);
  });

  it("takes it back at the next start, where that comes before the disk is well", async () => {
    await using store = await openOnFlakyDisk();
    await accept(store.intake, newMail(store.clock.now()));
    store.disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    const refused = newMail(store.clock.now());
    assert.deepEqual(await accept(store.intake, refused), SICK);
    await store.writer.close();
    assertStaysClosed(store);
    assert.ok(await store.reader.show(refused.id), "it is on the disk");
    await using again = await openSqliteStore({ folder: store.folder, clock: store.clock });
    assert.equal(await again.reader.show(refused.id), undefined);
    assert.equal((await again.reader.list({ filter: {}, limit: 10 })).items.length, 1);
    assert.equal(existsSync(join(store.folder, "refused")), false);
  });

  it("takes it back at the next start, where the commit failed while the store was being closed", async () => {
    await using store = await openOnFlakyDisk();
    let closing: Promise<void> | undefined;
    store.disk.failCommit = () => void (closing ??= store.writer.close());
    store.disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    const refused = newMail(store.clock.now());
    assert.deepEqual(await accept(store.intake, refused), SICK);
    await closing;
    assertStaysClosed(store);
    assert.ok(await store.reader.show(refused.id), "it is on the disk");
    await using again = await openSqliteStore({ folder: store.folder, clock: store.clock });
    assert.equal(again.writer.unclean, true);
    assert.equal(await again.reader.show(refused.id), undefined);
  });

  it("stays closed, too, where a commit failed later, of what waited when it was closed", async () => {
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

  it("that is told of by a client once more stays as it is", async () => {
    await using store = await openOnFlakyDisk();
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    const channel = openChannel<IntakeMethods>(store.port("intake"));
    await channel.call("trouble", { why: "sick", text: "EIO" });
    assert.equal(store.writer.condition, "sick");
    cure(store);
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), ACCEPTED);
  });

  it("takes room for the note from the ballast, where it is full as well", async (t) => {
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

  it("names in the log what it can leave no note of", async () => {
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

  it("says so, once, when spool files cannot be written", async () => {
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
        { what: "the claim given up", deadline: 20_000 },
        async () => (await state()) === "unconfirmed",
      );
    return { ...store, givenUp };
  }

  for (const [what, credits] of [
    ["its claims", 0],
    ["what was claimed by its grant", 1],
  ] as const)
    it(`leaves ${what} unconfirmed, and another thread gets them`, async () => {
      await using store = await withClaim(credits);
      store.closeWorkPort();
      await store.givenUp();
    });

  it("takes no claim from the thread that has come in its place", async () => {
    await using store = await withClaim();
    const next = connectWork(store.port("work"), { folder: store.folder });
    await accept(store.intake, newMail(store.clock.now()));
    const claim = await claimOne({ work: next, clock: store.clock });
    store.closeWorkPort();
    await store.givenUp();
    const settle = settlement(claim, { state: "gone", outcome: DELIVERED }, store.clock.now());
    assert.equal(await next.settle(settle), true);
  });

  it("gets nothing more by its grant, although its claims cannot be given up yet", async (t) => {
    await using store = await withClaim(5);
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    const timers = t.mock.method(store.clock, "after").mock;
    store.closeWorkPort();
    await waitFor({ what: "another try", deadline: 20_000 }, () => timers.callCount() > 0);
    cure(store);
    const mail = newMail(store.clock.now());
    assert.deepEqual(await accept(store.intake, mail), ACCEPTED);
    await store.givenUp();
    assert.equal((await store.reader.show(mail.id))?.recipients[0]?.state, "waiting");
  });

  it("is followed by one that is told at once where the disk is sick", async () => {
    await using store = await withClaim();
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    const next = connectWork(store.port("work"), { folder: store.folder });
    const events: WorkEvent[] = [];
    next.onEvent((event) => events.push(event));
    await waitFor({ what: "a word of it", deadline: 20_000 }, () => events.length > 0);
    assert.deepEqual(events, [{ kind: "condition", condition: "sick" }]);
  });

  it("does so where the disk was sick at its death, too", async (t) => {
    await using store = await withClaim();
    store.disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    const timers = t.mock.method(store.clock, "after").mock;
    store.closeWorkPort();
    await waitFor({ what: "another try", deadline: 20_000 }, () => timers.callCount() > 0);
    cure(store);
    await store.givenUp();
  });
});

describe("the marker of an orderly end", () => {
  it("is there only between an orderly end and the next start", async () => {
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

  it("comes after all that waits, which is more than one commit takes", async () => {
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

  it("is not there where the disk takes no last checkpoint, which hinders neither the end nor the mail", async () => {
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
