import assert from "node:assert/strict";
import { open as openFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  openRecipientMemory,
  openRecipientNotes,
} from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import { openMailReader } from "../../../../../../src/adapters/storage/sqlite/disk/connection.ts";
import { Learning } from "../../../../../../src/adapters/storage/sqlite/memory/learning.ts";
import {
  FILTER_BYTES,
  RefusedFilter,
} from "../../../../../../src/adapters/storage/sqlite/wire/refused-filter.ts";
import { openSqliteStore, type SqliteStore } from "../../../../../contract/sqlite-harness.ts";
import type { SettleRequest } from "../../../../../../src/ports/work-store.ts";
import { DELIVERED, accept, newMail, settlement, to } from "../../../../../contract/mails.ts";
import { loggerTo } from "../../../../../../src/runtime/log.ts";
import { FlakyDisk } from "../disk/flaky-disk.ts";
import { SILENT } from "../../../../../support/silent-log.ts";
import { waitFor } from "../../../../../support/wait.ts";

const HOUR = 3_600_000;
/** The page size of the database, in octets. */
const PAGE = 4096;
const NO = "550 5.1.1 no such user";

function open(store: SqliteStore, stack: DisposableStack, log = SILENT) {
  const notes = openRecipientNotes(store.port("memory"), { ...store, shared: store.writer.shared, log });
  const other = openRecipientMemory({ folder: store.folder, shared: store.writer.shared });
  stack.defer(() => notes.close());
  stack.defer(() => other.close());
  return { notes, other };
}

/** Advances the clock, so that notes are sent, until `look` returns true. */
function seen(store: SqliteStore, what: string, look: () => boolean): Promise<true> {
  return waitFor({ what, deadline: 5000, every: 5 }, () => {
    store.clock.advance(250);
    return look();
  });
}

test("a note is visible to its thread at once, to others soon; a repeated refusal keeps its first time", async () => {
  await using store = await openSqliteStore();
  using stack = new DisposableStack();
  const { notes, other } = open(store, stack);
  const { clock } = store;
  const begin = clock.now();
  const refuse = (): void =>
    notes.note("eve@a.test", { kind: "refused", at: clock.now(), origin: "callout", reply: NO });
  refuse();
  const first = { since: begin, at: begin, origin: "callout", reply: NO };
  assert.deepEqual(notes.find("eve@a.test"), { refused: first });
  assert.deepEqual(other.find("eve@a.test"), {});
  await seen(store, "the refusal to be stored", () => other.find("eve@a.test").refused !== undefined);
  assert.deepEqual(other.find("eve@a.test"), { refused: first });
  clock.advance(20 * HOUR);
  refuse();
  assert.equal(notes.find("eve@a.test").refused?.since, begin);
  await seen(store, "the refusal to be renewed", () => other.find("eve@a.test").refused?.at !== begin);
  assert.equal(other.find("eve@a.test").refused?.since, begin);
  const now = clock.now();
  notes.note("eve@a.test", { kind: "accepted", at: now, origin: "callout" });
  await seen(store, "the acceptance to be stored", () => other.find("eve@a.test").accepted !== undefined);
  assert.deepEqual(other.find("eve@a.test"), { accepted: { at: now, origin: "callout" } });
  assert.equal(other.lastAccepted("a.test", now), "eve@a.test");
  assert.equal(other.lastAccepted("a.test", now + 1), undefined);
  assert.equal(other.lastAccepted("test", 0), undefined);
});

test("refusals expire after a day, and a later refusal has a new first time", async () => {
  await using store = await openSqliteStore();
  using stack = new DisposableStack();
  const { notes, other } = open(store, stack);
  const { clock } = store;
  const refuse = async (key: string): Promise<void> => {
    const at = clock.now();
    notes.note(key, { kind: "refused", at, origin: "delivery", reply: NO });
    await seen(store, key, () => other.find(key).refused?.at === at);
  };
  await refuse("eve@a.test");
  clock.advance(27 * HOUR);
  await refuse("fay@a.test");
  assert.deepEqual(other.find("eve@a.test"), {});
  clock.advance(27 * HOUR);
  // Nothing was noted in the meantime, so the expired refusal is still stored.
  const again = clock.now();
  const told = refuse("fay@a.test");
  assert.equal(notes.find("fay@a.test").refused?.since, again, "the new first time is visible at once");
  await told;
  assert.equal(other.find("fay@a.test").refused?.since, again);
});

test("the latest note counts, for refusals, for deliveries, and for the last accepted address of a domain", async () => {
  await using store = await openSqliteStore();
  using stack = new DisposableStack();
  const { notes, other } = open(store, stack);
  const { clock } = store;
  const take = async (address: string): Promise<void> => {
    await accept(store.intake, newMail(clock.now(), { recipients: to(address) }));
    const [mail = assert.fail("nothing is due")] = await store.work.claim({
      domain: "a.test",
      limit: 1,
      now: clock.now(),
    });
    const taken = settlement(mail, { state: "gone", outcome: DELIVERED }, clock.now());
    assert.equal(await store.work.settle(taken), true);
  };
  await take("ann@a.test");
  clock.advance(48 * HOUR);
  await take("ann@a.test");
  const at = clock.now();
  assert.equal(other.find("ann@a.test").accepted?.at, at, "a mailbox in use is not forgotten");
  notes.note("ann@a.test", { kind: "accepted", at: at - HOUR, origin: "callout" });
  await seen(store, "the note to be stored", () => other.find("ann@a.test").accepted?.origin === "callout");
  assert.equal(other.find("ann@a.test").accepted?.at, at, "the note is older than the delivery");
  notes.note("bob@a.test", { kind: "accepted", at: at + HOUR, origin: "callout" });
  await seen(store, "the note to be stored", () => other.find("bob@a.test").accepted !== undefined);
  assert.equal(other.lastAccepted("a.test", 0), "bob@a.test");

  const first = { kind: "refused", at, origin: "callout", reply: NO } as const;
  const second = { kind: "refused", at: at + 1, origin: "delivery", reply: "550 gone" } as const;
  notes.note("ann@a.test", first);
  const accepted = { at, origin: "callout" };
  const refused = { since: at, at, origin: "callout", reply: NO };
  assert.deepEqual(notes.find("ann@a.test"), { accepted, refused });
  await seen(store, "the note to be stored", () => other.find("ann@a.test").refused !== undefined);
  notes.note("ann@a.test", second);
  const latest = { since: at, at: at + 1, origin: "delivery", reply: "550 gone" };
  assert.deepEqual(notes.find("ann@a.test").refused, latest);
  await seen(store, "the note to be stored", () => other.find("ann@a.test").refused?.at === at + 1);
  assert.deepEqual(other.find("ann@a.test"), { accepted, refused: latest });
  notes.note("ann@a.test", { kind: "accepted", at: at + 2, origin: "callout" });
  assert.deepEqual(notes.find("ann@a.test"), { accepted: { at: at + 2, origin: "callout" } });
});

test("a delivery is remembered under the comparable form of the address, and ends refusals", async () => {
  await using store = await openSqliteStore();
  using stack = new DisposableStack();
  const { notes, other } = open(store, stack);
  const keys = ["größe@a.test", "john doe@a.test"];
  for (const key of keys)
    notes.note(key, { kind: "refused", at: store.clock.now(), origin: "callout", reply: NO });
  await seen(store, "the refusal to be stored", () => other.find(keys[1] ?? "").refused !== undefined);
  const recipients = to("GRÖßE@a.test", '"John Doe"@a.test');
  await accept(store.intake, newMail(store.clock.now(), { recipients }));
  const [mail] = await store.work.claim({ domain: "a.test", limit: 1, now: store.clock.now() });
  assert.ok(mail !== undefined);
  const settled = mail.recipients.map(({ n }) => {
    const outcome = { kind: "delivered", reply: { code: 250, text: "ok" } } as const;
    return { n, outcome, state: "gone", reason: "delivered" } as const;
  });
  await store.work.settle({ id: mail.id, token: mail.token, recipients: settled, now: store.clock.now() });
  for (const key of keys) {
    assert.deepEqual(other.find(key), { accepted: { at: store.clock.now(), origin: "delivery" } });
  }
  const taken = await store.work.accepted(["Größe@a.test", '"john doe"@a.test', "nobody@a.test"]);
  assert.equal(taken.size, 2);
});

test("every thread finds a refused address in the filter for at least a day, and after a restart", async () => {
  await using store = await openSqliteStore();
  using stack = new DisposableStack();
  const { notes, other } = open(store, stack);
  const { clock } = store;
  const refuse = (key: string): void =>
    notes.note(key, { kind: "refused", at: clock.now(), origin: "callout", reply: NO });
  assert.equal(notes.mayBeRefused("eve@a.test"), false);
  refuse("eve@a.test");
  assert.equal(notes.mayBeRefused("eve@a.test"), true);
  await seen(store, "the refusal in the filter of other threads", () => other.mayBeRefused("eve@a.test"));
  assert.notEqual(other.find("eve@a.test").refused, undefined);
  clock.advance(26 * HOUR);
  refuse("mallory@a.test");
  await seen(
    store,
    "the next refusal to be stored",
    () => other.find("mallory@a.test").refused !== undefined,
  );
  refuse("trent@a.test");
  await seen(
    store,
    "a refusal soon after it to be stored",
    () => other.find("trent@a.test").refused !== undefined,
  );
  assert.equal(other.mayBeRefused("eve@a.test"), true);
  clock.advance(26 * HOUR);
  refuse("oscar@a.test");
  await seen(store, "a third refusal to be stored", () => other.find("oscar@a.test").refused !== undefined);
  const still = ["eve@a.test", "mallory@a.test", "oscar@a.test"].map((key) => other.mayBeRefused(key));
  assert.deepEqual(still, [false, true, true]);
  const filter = new RefusedFilter(new SharedArrayBuffer(FILTER_BYTES), 0);
  const database = openMailReader(store.folder);
  stack.defer(() => void database.close());
  assert.ok(new Learning(database, filter));
  assert.equal(filter.mayHold("oscar@a.test"), true);
});

test("a delivery ends a refusal noted within an hour of the last delivery, and counts only when committed", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  using stack = new DisposableStack();
  const { notes, other } = open(store, stack);
  const claim = async (): Promise<SettleRequest> => {
    await accept(store.intake, newMail(store.clock.now(), { recipients: to("eve@a.test") }));
    const [mail] = await store.work.claim({ domain: "a.test", limit: 1, now: store.clock.now() });
    assert.ok(mail !== undefined);
    return settlement(mail, { state: "gone", outcome: DELIVERED }, store.clock.now());
  };
  const first = await claim();
  disk.failCommit = "SQLITE_FULL";
  await assert.rejects(store.work.settle(first));
  disk.failCommit = undefined;
  // By then the store has checked the full disk again.
  store.clock.advance(6000);
  assert.deepEqual(other.find("eve@a.test"), {});
  await store.work.settle(first);
  const taken = other.find("eve@a.test");
  assert.equal(taken.accepted?.origin, "delivery");
  notes.note("eve@a.test", { kind: "refused", at: store.clock.now(), origin: "callout", reply: NO });
  await seen(store, "the refusal to be stored", () => other.find("eve@a.test").refused !== undefined);
  await store.work.settle(await claim());
  assert.deepEqual(other.find("eve@a.test"), taken);
});

test("a damaged page is logged once, and lookups on it find nothing", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  const pages = disk.opened[0]
    ?.prepare<[], number>("SELECT rootpage FROM sqlite_schema WHERE name IN ('accepted', 'accepted_domain')")
    .pluck()
    .all();
  disk.opened[0]?.pragma("wal_checkpoint(TRUNCATE)");
  {
    await using file = await openFile(join(store.folder, "queue.sqlite"), "r+");
    for (const page of pages ?? [])
      await file.write(Buffer.alloc(PAGE, "rubbish"), 0, PAGE, (page - 1) * PAGE);
  }
  using stack = new DisposableStack();
  const told: string[] = [];
  const { notes, other } = open(
    store,
    stack,
    loggerTo((_, message) => void told.push(message)),
  );
  assert.throws(() => other.find("a@one.test"), /malformed/);
  assert.throws(() => other.lastAccepted("one.test", 0), /malformed/);
  for (let time = 0; time < 2; time++) {
    assert.deepEqual(notes.find("a@one.test"), {});
    assert.equal(notes.lastAccepted("one.test", 0), undefined);
  }
  assert.equal(told.length, 1);
});
