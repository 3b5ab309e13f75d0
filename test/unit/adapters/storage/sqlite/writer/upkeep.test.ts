import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  DEFERRED,
  DELIVERED,
  SETTINGS,
  accept,
  newMail,
  settlement,
  to,
} from "../../../../../contract/mails.ts";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { waitFor } from "../../../../../support/wait.ts";
import { openDirectoryReader } from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import { openMailReader } from "../../../../../../src/adapters/storage/sqlite/disk/connection.ts";
import { FlakyDisk } from "../disk/flaky-disk.ts";

const BODY = Buffer.alloc(16_000, 1);
const GONE = { state: "gone", outcome: DELIVERED } as const;
const [KEPT, GOING] = ["kept@one.test", "going@one.test"] as const;

it("empties the WAL and returns free space when the store is idle", async () => {
  await using store = await openSqliteStore();
  const size = (file: string): number => statSync(join(store.folder, file)).size;
  for (let i = 0; i < 400; i++) await accept(store.intake, newMail(store.clock.now()), BODY);
  const full = size("queue.sqlite");
  assert.equal(await store.control.operate({ verb: "delete", filter: {}, who: "x", now: 1 }), 400);
  const rested = (): boolean => {
    store.clock.advance(1000);
    return size("queue.sqlite-wal") === 0 && size("queue.sqlite") < full / 1.5;
  };
  await waitFor({ what: "the files to shrink", deadline: 10_000 }, rested);
});

it("returns a lot of free space slice by slice, and keeps the WAL bounded in the meantime", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  const size = (file: string): number => statSync(join(store.folder, file)).size;
  const send = (i: number): Promise<unknown> =>
    accept(store.intake, newMail(store.clock.now(), { recipients: to(i % 3 === 0 ? KEPT : GOING) }), BODY);
  for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 100 }, (_, at) => send(at)));
  const full = size("queue.sqlite");
  const deleted = await store.control.operate({
    verb: "delete",
    filter: { recipient: GOING },
    who: "x",
    now: 1,
  });
  assert.equal(deleted, 1320);
  const [database = assert.fail("no database")] = disk.opened;
  const pragma = database.pragma.bind(database);
  let slices = 0;
  database.pragma = (sql, ...options) => {
    if (sql.startsWith("incremental_vacuum")) slices += 1;
    return pragma(sql, ...options);
  };
  let [largest, most] = [0, 0];
  const rested = (): boolean => {
    most = Math.max(most, slices);
    slices = 0;
    largest = Math.max(largest, size("queue.sqlite-wal"));
    store.clock.advance(1000);
    return size("queue.sqlite-wal") === 0 && size("queue.sqlite") < full / 2;
  };
  for (let turns = 0; !rested() && turns < 5000; turns++) await turn();
  assert.ok(rested(), `${size("queue.sqlite")} of ${full} bytes`);
  assert.ok(largest < 12_000_000, `${largest} bytes`);
  assert.ok(most <= 2, `${most} slices in one turn`);
});

it("returns no space while a reader keeps the WAL from being reset", async () => {
  await using store = await openSqliteStore();
  const size = (file: string): number => statSync(join(store.folder, file)).size;
  const send = (i: number): Promise<unknown> =>
    accept(store.intake, newMail(store.clock.now(), { recipients: to(i % 3 === 0 ? KEPT : GOING) }), BODY);
  for (let i = 0; i < 60; i++) await Promise.all(Array.from({ length: 100 }, (_, at) => send(at)));
  const full = size("queue.sqlite");
  await store.control.operate({ verb: "delete", filter: { recipient: GOING }, who: "x", now: 1 });
  const reader = openMailReader(store.folder);
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM message").get();
  const before = size("queue.sqlite-wal");
  for (let turns = 0; turns < 2000; turns++) {
    store.clock.advance(100);
    await turn();
  }
  const grown = size("queue.sqlite-wal") - before;
  assert.ok(grown < 20_000_000, `${grown} bytes`);
  reader.close();
  await store.control.tokens();
  await waitFor({ what: "the files to shrink", deadline: 10_000 }, () => {
    store.clock.advance(1000);
    return size("queue.sqlite-wal") === 0 && size("queue.sqlite") < full / 2;
  });
});

it("returns space while mail is delivered if there is no room for new mail", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk, reserve: { bytes: 10_000_000 } });
  const size = (file: string): number => statSync(join(store.folder, file)).size;
  // By then the ballast is made.
  store.clock.advance(1000);
  disk.space = () => ({ free: 40_000_000 - size("queue.sqlite") - size("queue.sqlite-wal"), total: 1e8 });
  const { work, clock, writer, intake } = store;
  const acceptOne = () => accept(intake, newMail(clock.now()), BODY);
  const isFull = (): boolean => {
    clock.advance(200);
    return writer.condition === "full";
  };
  let held = 0;
  while (!isFull()) {
    const answers = await Promise.all(Array.from({ length: 50 }, acceptOne));
    held += answers.filter(({ kind }) => kind === "accepted").length;
  }
  let left = held;
  while (left > 0 && isFull()) {
    const claims = await work.claim({ domain: "one.test", limit: 20, now: clock.now() });
    await Promise.all(claims.map((mail) => work.settle(settlement(mail, GONE, 1))));
    left -= claims.length;
  }
  assert.ok(left > held / 2, `${left} of ${held} mails are left`);
});

it("compacts segments that only a few mails still use if there is no room for new mail", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk, reserve: { bytes: 10_000_000 }, segmentSize: 1_000_000 });
  const { work, clock, writer, intake, folder } = store;
  const segments = (): readonly string[] => readdirSync(join(folder, "spool"));
  // By then the ballast is made.
  clock.advance(1000);
  disk.space = () => ({ free: 20_000_000 - segments().length * 1_000_000, total: 1e8 });
  const body = Buffer.alloc(40_000, 1);
  let held = 0;
  while (writer.condition === "ok") {
    held += (await accept(intake, newMail(clock.now()), body)).kind === "accepted" ? 1 : 0;
    clock.advance(1000);
  }
  const claims = await work.claim({ domain: "one.test", limit: held, now: clock.now() });
  for (const [n, mail] of claims.entries()) {
    const isLast = n % 25 === 24;
    const end = isLast ? ({ state: "waiting", outcome: DEFERRED } as const) : GONE;
    await work.settle(settlement(mail, end, clock.now()));
  }
  assert.deepEqual([claims.length, writer.condition], [held, "full"]);
  await waitFor({ what: "room for new mail", deadline: 10_000 }, () => {
    clock.advance(60_000);
    return writer.condition === "ok";
  });
  assert.ok(segments().length <= 1, `${segments().length} segments`);
});

it("keeps the WAL bounded under load", async () => {
  await using store = await openSqliteStore();
  for (let i = 0; i < 1500; i++) await accept(store.intake, newMail(store.clock.now()), BODY);
  const wal = statSync(join(store.folder, "queue.sqlite-wal")).size;
  assert.ok(wal < 12_000_000, `${wal} bytes`);
});

it("removes recipient lists and rows that no generation uses", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  const declare = async (recipients: string[]): Promise<void> => {
    await store.control.declare([{ name: "one.test", settings: SETTINGS, recipients }]);
  };
  const count = (table: string): number =>
    disk.opened[0]?.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? -1;
  const alone = openDirectoryReader(store.folder);
  await declare(Array.from({ length: 2000 }, (_, i) => `old${i}`));
  const first = store.directory.generation();
  await declare(["new"]);
  await store.control.changeRecipients({ domain: "one.test", verb: "add", recipients: ["a", "b"] });
  await store.control.changeRecipients({ domain: "one.test", verb: "remove", recipients: ["a"] });
  const fetched = { domain: "one.test", verb: "replace", recipients: ["f"], fetched: true } as const;
  await store.control.changeRecipients(fetched);
  assert.equal(count("entry"), 2004);
  const swept = (): boolean => {
    store.clock.advance(60 * 60 * 1000);
    return count("entry") === 3 && count("domain") === 1 && count("list") === 3;
  };
  await waitFor({ what: "the sweep", deadline: 20_000 }, swept);
  const record = store.directory.domain("one.test", store.directory.generation());
  assert.ok(
    record !== undefined &&
      store.directory.recipient(record, "new") &&
      store.directory.recipient(record, "b"),
  );
  for (const directory of [store.directory, alone])
    assert.throws(() => directory.domain("one.test", first), /generation 1 is not known any more/);
  alone.close();
  assert.equal(store.directory.domain("other.test", store.directory.generation()), undefined);
});

it("rejects lookups in a forgotten generation, also for a domain that still exists", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  await store.control.declare([{ name: "one.test", settings: SETTINGS, recipients: [] }]);
  const replace = (...recipients: string[]): Promise<unknown> =>
    store.control.changeRecipients({ domain: "one.test", verb: "replace", recipients });
  await replace("alice");
  const old = store.directory.generation();
  const seen = (): boolean => {
    const record = store.directory.domain("one.test", old);
    return record !== undefined && store.directory.recipient(record, "alice") !== undefined;
  };
  await replace("alice", "bob");
  assert.ok(seen());
  const lists = disk.opened[0]?.prepare<[], number>("SELECT count(*) FROM list").pluck();
  await waitFor({ what: "the sweep", deadline: 20_000 }, () => {
    store.clock.advance(60 * 60 * 1000);
    return lists?.get() === 2;
  });
  assert.throws(seen, /generation 2 is not known any more/);
});
