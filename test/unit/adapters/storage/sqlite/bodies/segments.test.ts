/** Bodies that share a file: they come out as they went in, and the file goes when the last has gone, never before. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, truncateSync } from "node:fs";
import { mkdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, it } from "node:test";
import { Segments } from "../../../../../../src/adapters/storage/sqlite/bodies/segments.ts";
import type { ClaimedMail } from "../../../../../../src/ports/work-store.ts";
import { BodyDamaged } from "../../../../../../src/ports/stored-body.ts";
import {
  accept,
  bodyOf,
  DEFERRED,
  DELIVERED,
  fillBody,
  newMail,
  settlement,
} from "../../../../../contract/mails.ts";
import { crashCopy, openSqliteStore, type SqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { MemoryJournal } from "../../../../../support/memory-journal.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import { waitFor } from "../../../../../support/wait.ts";
import { FlakyDisk } from "../disk/flaky-disk.ts";
import { closeBehind, failAt, writeShort } from "../disk/file-faults.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function files({ folder }: SqliteStore): string[] {
  return readdirSync(join(folder, "spool"));
}

function filesBecome(store: SqliteStore, count: number): Promise<unknown> {
  const what = { what: `${count} files in the spool`, deadline: 20_000 };
  return waitFor(what, () => files(store).length === count);
}

/** Stores `count` bodies of 20 to 60 KB together; returns them by the id of their mail. */
async function fill(store: SqliteStore, count: number): Promise<Map<string, Buffer>> {
  const bodies = new Map<string, Buffer>();
  const one = async (i: number): Promise<void> => {
    const mail = newMail(store.clock.now());
    const body = randomBytes(20_000 + 4000 * (i % 11));
    bodies.set(mail.id, body);
    assert.deepEqual(await accept(store.intake, mail, body), { kind: "accepted" });
  };
  await Promise.all(Array.from({ length: count }, (_, i) => one(i)));
  return bodies;
}

function claimAll(store: SqliteStore, limit = 1000): Promise<readonly ClaimedMail[]> {
  return store.work.claim({ domain: "one.test", limit, now: store.clock.now() });
}

/** Asserts that the claimed bodies equal the stored ones. */
async function same(mails: readonly ClaimedMail[], stored: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const mail of mails) {
    const body = await bodyOf(mail);
    assert.ok(body.equals(stored.get(mail.id) ?? assert.fail("a mail that nobody sent")));
  }
}

async function deliver(store: SqliteStore, mails: readonly ClaimedMail[]): Promise<void> {
  const taken = { state: "gone", outcome: DELIVERED } as const;
  for (const mail of mails) assert.ok(await store.work.settle(settlement(mail, taken, 1)));
}

async function putOff(store: SqliteStore, mails: readonly ClaimedMail[]): Promise<void> {
  const later = { state: "waiting", outcome: DEFERRED, dueAt: store.clock.now() } as const;
  for (const mail of mails) assert.ok(await store.work.settle(settlement(mail, later, 1)));
}

/** Waits until the store is full or sick, and then ok again. */
async function awaitRecovery(store: SqliteStore, why: "full" | "sick"): Promise<void> {
  await waitFor({ what: why, deadline: 20_000 }, () => store.writer.condition === why);
  await waitFor({ what: "the store to be ok", deadline: 20_000 }, () => {
    store.clock.advance(6000);
    return store.writer.condition === "ok";
  });
}

/** Advances the clock until the store has compacted segments and `left` files remain. */
async function compact(store: SqliteStore, left: number): Promise<void> {
  await waitFor({ what: "the segment to be removed", deadline: 20_000 }, () => {
    store.clock.advance(MINUTE);
    return files(store).length === left;
  });
}

describe("a segment", () => {
  it("stores the bodies of many mails unchanged", async () => {
    await using store = await openSqliteStore();
    const stored = await fill(store, 100);
    assert.equal(files(store).length, 1);
    const mails = await claimAll(store);
    assert.equal(mails.length, 100);
    await same(mails, stored);
    const [[id, body] = assert.fail()] = stored;
    const exported = await buffer((await store.reader.export(id)) ?? assert.fail("nothing to export"));
    assert.ok(exported.subarray(-body.length).equals(body));
    assert.equal(exported.length, body.length + "Received: by mx2.example.net\r\n".length);
  });

  it("still has its bodies after a crash", async () => {
    await using store = await openSqliteStore();
    const stored = await fill(store, 20);
    await using copies = await tempFolder();
    const folder = join(copies.path, "data");
    await crashCopy(store, folder);
    await using again = await openSqliteStore({ folder, clock: store.clock });
    const mails = await claimAll(again);
    assert.equal(mails.length, 20);
    await same(mails, stored);
  });

  it("is kept while it is appended to, even if all its mail is gone", async () => {
    await using store = await openSqliteStore();
    await fill(store, 5);
    await deliver(store, await claimAll(store));
    store.clock.advance(2 * HOUR);
    const old = new Date(Date.now() - 2 * HOUR);
    await utimes(join(store.folder, "spool", files(store)[0] ?? ""), old, old);
    assert.equal(await store.writer.sweepSpool(), 0);
    const stored = await fill(store, 5);
    assert.equal(files(store).length, 1);
    await same(await claimAll(store), stored);
  });

  it("is replaced by a new one when it is full, and removed with its last mail", async () => {
    await using store = await openSqliteStore({ segmentSize: 100_000 });
    for (let i = 0; i < 12; i++) await fill(store, 1);
    await fill(store, 12);
    const [first = assert.fail(), ...others] = await claimAll(store);
    assert.ok(files(store).length >= 3);
    await deliver(store, others);
    await filesBecome(store, 2);
    await deliver(store, [first]);
    await filesBecome(store, 1);
  });

  it("is removed with its last mail after its client has disconnected", async () => {
    await using store = await openSqliteStore();
    await fill(store, 3);
    const mails = await claimAll(store);
    await deliver(store, mails.slice(1));
    store.closeIntakePort();
    await new Promise(setImmediate);
    await deliver(store, mails.slice(0, 1));
    await filesBecome(store, 0);
  });

  it("is removed when its client disconnects after all its mail is gone", async () => {
    await using store = await openSqliteStore();
    await fill(store, 3);
    await deliver(store, await claimAll(store));
    assert.equal(files(store).length, 1);
    store.closeIntakePort();
    await filesBecome(store, 0);
  });

  it("is removed after its client disconnected while the disk was full", async () => {
    const disk = new FlakyDisk();
    await using store = await openSqliteStore({ disk });
    await fill(store, 3);
    await deliver(store, await claimAll(store));
    const before = disk.commits;
    disk.failCommit = "SQLITE_FULL";
    store.closeIntakePort();
    await waitFor({ what: "a commit", deadline: 20_000 }, () => disk.commits > before);
    disk.failCommit = undefined;
    await waitFor({ what: "the segment to be removed", deadline: 20_000 }, () => {
      store.clock.advance(6000);
      return files(store).length === 0;
    });
  });

  it("is removed after its client disconnected while the store was sick", async (t) => {
    await using store = await openSqliteStore();
    await fill(store, 3);
    await deliver(store, await claimAll(store));
    await failAt(t, { method: "writev", nth: 1, code: "EIO" });
    const body = randomBytes(50_000);
    await accept(store.intake, newMail(store.clock.now()), body);
    await waitFor({ what: "sick", deadline: 20_000 }, () => store.writer.condition === "sick");
    store.closeIntakePort();
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    await waitFor({ what: "the segment to be removed", deadline: 20_000 }, () => {
      store.clock.advance(6000);
      return files(store).length === 0;
    });
  });

  it("of an earlier process is swept if no mail refers to it, and compacted if few mails do", async () => {
    await using store = await openSqliteStore({ segmentSize: 300_000 });
    const stored = await fill(store, 3);
    await using copies = await tempFolder();
    const folder = join(copies.path, "data");
    await crashCopy(store, folder);
    await using again = await openSqliteStore({ folder, clock: store.clock });
    await writeFile(join(folder, "spool", "0123"), "x");
    const old = new Date(Date.now() - 2 * HOUR);
    for (const name of files(again)) await utimes(join(folder, "spool", name), old, old);
    assert.equal(await again.writer.sweepSpool(), 1);
    assert.equal(files(again).length, 1);
    await compact(again, 0);
    const mails = await claimAll(again);
    assert.equal(mails.length, 3);
    await same(mails, stored);
  });
});

describe("the last mails of a segment", () => {
  it("are moved into rows so that the segment can be removed, except claimed mails", async () => {
    await using store = await openSqliteStore({ segmentSize: 400_000 });
    const stored = await fill(store, 12);
    for (let i = 0; i < 3; i++) await fill(store, 4);
    await deliver(store, await claimAll(store));
    await fill(store, 1);
    await deliver(store, await claimAll(store));
    await filesBecome(store, 1);
    const kept = await fill(store, 13);
    await fill(store, 1);
    const mails = await claimAll(store);
    const mine = mails.filter(({ id }) => kept.has(id));
    await deliver(
      store,
      mails.filter((mail) => !mine.slice(0, 3).includes(mail)),
    );
    assert.ok(stored.size > 0 && files(store).length === 2);
    for (let i = 0; i < 3; i++) store.clock.advance(MINUTE);
    await fill(store, 1);
    assert.equal(files(store).length, 2, "three are claimed");
    await same(mine.slice(0, 3), kept);
    await putOff(store, mine.slice(0, 3));
    await compact(store, 1);
    const again = await claimAll(store);
    const left = again.filter(({ id }) => kept.has(id));
    assert.equal(left.length, 3);
    await same(left, kept);
  });

  it("are not moved while a notice about them is being written", async () => {
    await using store = await openSqliteStore();
    const stored = await fill(store, 3);
    store.closeIntakePort();
    const [{ id, token } = assert.fail(), other = assert.fail(), ...gone] = await claimAll(store);
    await deliver(store, gone);
    await putOff(store, [other]);
    const refused = [{ n: 0, state: "parked", owes: "failed", outcome: DEFERRED }] as const;
    const now = store.clock.now();
    assert.ok(await store.work.settle({ id, token, recipients: refused, destination: "192.0.2.9:25", now }));
    const [debt] = await store.work.owed({ limit: 1, now });
    await waitFor({ what: "the other mail to be moved into a row", deadline: 20_000 }, async () => {
      store.clock.advance(MINUTE);
      const again = await claimAll(store);
      await putOff(store, again);
      return Buffer.isBuffer(again[0]?.body.read());
    });
    assert.ok((await bodyOf({ body: debt?.body ?? assert.fail() })).equals(stored.get(id) ?? assert.fail()));
    await store.work.told({ id, recipients: [0], told: { kind: "failed", at: now, why: "forged" } });
    await compact(store, 0);
  });

  it("are not moved if the segment cannot be read, and the store stays ok", async () => {
    await using store = await openSqliteStore();
    await fill(store, 3);
    store.closeIntakePort();
    const [last = assert.fail(), ...others] = await claimAll(store);
    await deliver(store, others);
    await putOff(store, [last]);
    const file = join(store.folder, "spool", files(store)[0] ?? "");
    await rm(file);
    await mkdir(file);
    for (let i = 0; i < 3; i++) {
      store.clock.advance(MINUTE);
      await store.work.wake(["one.test"]);
    }
    assert.equal(store.writer.condition, "ok");
    const [again = assert.fail()] = await claimAll(store);
    await assert.rejects(bodyOf(again), { code: "EISDIR" });
  });

  it("are moved when there is room again after the disk was full", async () => {
    const disk = new FlakyDisk();
    const journal = new MemoryJournal();
    await using store = await openSqliteStore({ disk, journal });
    const stored = await fill(store, 3);
    store.closeIntakePort();
    const [last = assert.fail(), ...others] = await claimAll(store);
    await deliver(store, others);
    await putOff(store, [last]);
    disk.failCommit = "SQLITE_FULL";
    await waitFor({ what: "full", deadline: 20_000 }, () => {
      store.clock.advance(MINUTE);
      return journal.of("store.condition").length > 0;
    });
    assert.equal(files(store).length, 1);
    disk.failCommit = undefined;
    await compact(store, 0);
    await same(await claimAll(store), stored);
  });

  it("are moved only when no client appends to the segment", () => {
    const segments = new Segments();
    const appender = {};
    segments.begin(appender, "one");
    segments.thin("one");
    assert.deepEqual(segments.thinned, []);
    segments.leave(appender, ["one"]);
    assert.deepEqual(segments.thinned, ["one"]);
    segments.compacted("one");
    assert.deepEqual(segments.thinned, []);
  });
});

describe("a segment that cannot be written", () => {
  for (const { method, code, why } of [
    { method: "writev", code: "ENOSPC", why: "full" },
    { method: "writev", code: "EDQUOT", why: "full" },
    { method: "datasync", code: "EDQUOT", why: "full" },
    { method: "writev", code: "EIO", why: "sick" },
    { method: "datasync", code: "EIO", why: "sick" },
    { method: "sync", code: "EIO", why: "sick" },
  ] as const)
    it(`refuses the mails of the failed flush, and later mail is stored (${method} fails with ${code})`, async (t) => {
      await using store = await openSqliteStore();
      await failAt(t, { method, nth: 1, code });
      const body = randomBytes(50_000);
      const two = [1, 2].map(() => accept(store.intake, newMail(store.clock.now()), body));
      const refused = { kind: "refused", why };
      assert.deepEqual(await Promise.all(two), [refused, refused]);
      await awaitRecovery(store, why);
      const stored = await fill(store, 3);
      assert.equal(files(store).length, 1, "the failed segment held nothing");
      const mails = await claimAll(store);
      assert.equal(mails.length, 3);
      await same(mails, stored);
    });

  it("keeps its stored bodies, and is never appended to again", async (t) => {
    await using store = await openSqliteStore();
    const first = await fill(store, 1);
    await failAt(t, { method: "datasync", nth: 1, code: "EMFILE" });
    await assert.rejects(accept(store.intake, newMail(store.clock.now()), randomBytes(50_000)));
    const stored = new Map([...first, ...(await fill(store, 1))]);
    assert.equal(files(store).length, 2);
    await same(await claimAll(store), stored);
  });

  it("leaves only one file behind, even if this happens repeatedly", async (t) => {
    await using store = await openSqliteStore();
    for (let i = 0; i < 5; i++) {
      await failAt(t, { method: "datasync", nth: 1, code: "EMFILE" });
      await assert.rejects(accept(store.intake, newMail(store.clock.now()), randomBytes(50_000)));
      assert.equal(files(store).length, 1);
    }
    const stored = await fill(store, 2);
    assert.equal(files(store).length, 1);
    await same(await claimAll(store), stored);
  });

  it("does not make the store sick if too many files are open", async (t) => {
    await using store = await openSqliteStore();
    await failAt(t, { method: "sync", nth: 1, code: "EMFILE" });
    const body = randomBytes(50_000);
    await assert.rejects(accept(store.intake, newMail(store.clock.now()), body), { code: "EMFILE" });
    assert.equal(store.writer.condition, "ok");
    const stored = await fill(store, 1);
    await same(await claimAll(store), stored);
  });
});

describe("a segment of which each write stores only a part", () => {
  it("stores all bodies completely in the end", async (t) => {
    await using store = await openSqliteStore();
    await writeShort(t, 30_001);
    const stored = new Map([...(await fill(store, 12)), ...(await fill(store, 12))]);
    assert.equal(files(store).length, 1);
    const mails = await claimAll(store);
    assert.equal(mails.length, 24);
    await same(mails, stored);
  });

  it("keeps its earlier bodies and takes no more if the disk becomes full in the middle of a body", async (t) => {
    await using store = await openSqliteStore();
    const first = await fill(store, 2);
    await writeShort(t, 30_001);
    await failAt(t, { method: "write", nth: 1, code: "ENOSPC" });
    const refused = await accept(store.intake, newMail(store.clock.now()), randomBytes(50_000));
    assert.deepEqual(refused, { kind: "refused", why: "full" });
    await awaitRecovery(store, "full");
    const stored = new Map([...first, ...(await fill(store, 2))]);
    assert.equal(files(store).length, 2);
    const mails = await claimAll(store);
    assert.equal(mails.length, 4);
    await same(mails, stored);
  });
});

it("a segment that cannot be closed keeps its mail, and the next segment takes further mail", async () => {
  await using store = await openSqliteStore({ segmentSize: 50_000 });
  const first = await fill(store, 4);
  closeBehind(files(store)[0] ?? "");
  const stored = new Map([...first, ...(await fill(store, 4))]);
  assert.equal(files(store).length, 2);
  const mails = await claimAll(store);
  assert.equal(mails.length, 8);
  await same(mails, stored);
  assert.equal(store.writer.condition, "ok");
});

it("in a truncated segment, the body cut off is reported as damaged, and bodies before it are intact", async () => {
  await using store = await openSqliteStore();
  const first = await fill(store, 1);
  await fill(store, 1);
  truncateSync(join(store.folder, "spool", files(store)[0] ?? ""), 30_000);
  const mails = await claimAll(store);
  await same(
    mails.filter(({ id }) => first.has(id)),
    first,
  );
  const cut = mails.find(({ id }) => !first.has(id)) ?? assert.fail();
  await assert.rejects(bodyOf(cut), BodyDamaged);
});

it("an aborted body is not stored, and the bodies after it are intact", async () => {
  await using store = await openSqliteStore();
  for (const size of [1000, 20_000]) {
    const body = await fillBody(store.intake, randomBytes(size));
    body.abort();
    await assert.rejects(store.intake.accept(newMail(store.clock.now()), body), /closed/);
  }
  const stored = await fill(store, 3);
  const mails = await claimAll(store);
  assert.equal(mails.length, 3);
  await same(mails, stored);
});
