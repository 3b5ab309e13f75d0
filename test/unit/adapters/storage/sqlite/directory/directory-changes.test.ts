import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import type {
  ControlMethods,
  IntakeMethods,
} from "../../../../../../src/adapters/storage/sqlite/wire/wire.ts";
import { openChannel } from "../../../../../../src/runtime/channel.ts";
import { accept, newMail, SETTINGS } from "../../../../../contract/mails.ts";
import { crashCopy, openSqliteStore, type SqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import { waitFor } from "../../../../../support/wait.ts";
import { FlakyDisk } from "../disk/flaky-disk.ts";

const domain = (name: string, ...recipients: string[]) => ({ name, settings: SETTINGS, recipients });

/** A client that stages another list for one.test and does not finish; returns the function that disconnects it. */
async function stageHalf(store: SqliteStore): Promise<() => void> {
  const port = store.port("control");
  const channel = openChannel<ControlMethods>(port);
  await channel.call("stageOpen");
  const wanted = await channel.call("stageDomains", [
    { name: "one.test", settings: SETTINGS, hash: "other" },
    { name: "three.test", settings: SETTINGS },
  ]);
  const [list = assert.fail("no list is wanted")] = wanted.map((each) => each.list);
  await channel.call("stageEntries", [{ list, patterns: ["bob"] }]);
  return () => port.close();
}

async function known(store: SqliteStore, name = "one.test"): Promise<readonly string[]> {
  const generation = store.directory.generation();
  const one = store.directory.domain(name, generation) ?? assert.fail(`${name} is gone`);
  const found = ["alice", "bob"].filter((local) => store.directory.recipient(one, local) !== undefined);
  return [...found, ...(await store.reader.domains()).map(({ name }) => name)];
}

test("an incomplete staged list is not reused when the complete list with the same hash is declared", async () => {
  await using store = await openSqliteStore();
  const port = store.port("control");
  const channel = openChannel<ControlMethods>(port);
  await channel.call("stageOpen");
  const hash = createHash("sha256").update("bob\ncarol").digest("hex");
  const wanted = await channel.call("stageDomains", [{ name: "one.test", settings: SETTINGS, hash }]);
  await channel.call(
    "stageEntries",
    wanted.map(({ list }) => ({ list, patterns: ["bob"] })),
  );
  await channel.call("stageDiscard");
  const { added } = await store.control.declare([domain("one.test", "bob", "carol")]);
  assert.deepEqual(added, ["one.test"]);
  const generation = store.directory.generation();
  const one = store.directory.domain("one.test", generation) ?? assert.fail("one.test is gone");
  assert.ok(store.directory.recipient(one, "bob") && store.directory.recipient(one, "carol"));
});

test("a staged change is not visible, and is discarded when its client disconnects", async () => {
  await using store = await openSqliteStore();
  await store.control.declare([domain("one.test", "alice"), domain("two.test")]);
  const leave = await stageHalf(store);
  assert.deepEqual(await known(store), ["alice", "one.test", "two.test"]);
  leave();
  const result = await waitFor({ what: "the next change to be possible", deadline: 5000 }, () =>
    store.control.declare([domain("one.test", "alice"), domain("two.test")]).catch(() => undefined),
  );
  assert.deepEqual([result.added, result.changed, result.removed], [[], [], []]);
});

test("while a change is staged, other changes are rejected, and a discarded change cannot continue", async () => {
  await using store = await openSqliteStore();
  await store.control.addDomain(domain("api.test", "alice"));
  const { control } = store;
  const port = store.port("control");
  const channel = openChannel<ControlMethods>(port);
  await channel.call("stageOpen");
  await channel.call("stageDomains", [{ name: "one.test", settings: SETTINGS }]);
  const small = { domain: "api.test", verb: "add", recipients: ["bob"] } as const;
  const others: readonly (() => Promise<unknown>)[] = [
    () => channel.call("stageOpen"),
    () => control.addDomain({ name: "two.test", settings: SETTINGS }),
    () => control.changeDomain("api.test", SETTINGS),
    () => control.removeDomain("api.test"),
    () => control.changeRecipients(small),
    () => control.changeRecipients({ ...small, verb: "replace" }),
    () => control.retire(),
  ];
  for (const other of others) await assert.rejects(other(), /in progress/, String(other));
  assert.deepEqual(await known(store, "api.test"), ["alice", "api.test"]);
  await assert.rejects(channel.call("stageEntries", [{ list: 1, patterns: ["eve"] }]), /is not being staged/);
  await channel.call("stageDiscard");
  await assert.rejects(channel.call("stageFlip"), /no change of the directory is open/);
  const plan = { table: "overlay", domain: "api.test", keep: false, fresh: false } as const;
  const list = await channel.call("sideListOpen", plan);
  await channel.call("stageDiscard");
  for (const method of ["sideListAdd", "sideListRemove"] as const)
    await assert.rejects(channel.call(method, { list, patterns: ["eve"] }), /is not open/);
  await assert.rejects(channel.call("sideListFlip", { domain: "api.test", list }), /is not open/);
  assert.deepEqual(await known(store, "api.test"), ["alice", "api.test"]);
  port.close();
});

test("a change that a crash left half staged is discarded", async () => {
  await using store = await openSqliteStore();
  await store.control.declare([domain("one.test", "alice"), domain("two.test")]);
  await stageHalf(store);
  await using folder = await tempFolder();
  const copy = join(folder.path, "data");
  await crashCopy(store, copy);
  await using after = await openSqliteStore({ folder: copy, clock: store.clock });
  await after.control.addDomain({ name: "api.test", settings: SETTINGS });
  assert.deepEqual(await known(after), ["alice", "api.test", "one.test", "two.test"]);
});

test("a change that a full disk left half staged does not block the next change", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  await store.control.declare([domain("one.test", "alice")]);
  let left = 2;
  disk.failCommit = () => (left-- > 0 ? undefined : "SQLITE_FULL");
  await assert.rejects(store.control.declare([domain("one.test", "bob"), domain("two.test")]), /SQLITE_FULL/);
  disk.failCommit = undefined;
  assert.deepEqual(await known(store), ["alice", "one.test"]);
  const { added } = await store.control.declare([domain("one.test", "alice"), domain("three.test")]);
  assert.deepEqual(added, ["three.test"]);
  assert.deepEqual(await known(store), ["alice", "one.test", "three.test"]);
});

test("a change on a full disk is retried on a clean directory until it fits", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  await store.control.declare([domain("one.test", "alice")]);
  let durable = 2;
  disk.failCommit = () => (durable-- > 0 ? undefined : "SQLITE_FULL");
  await assert.rejects(store.control.declare([domain("one.test", "bob"), domain("two.test")]), /SQLITE_FULL/);
  disk.failCommit = undefined;
  // By then the ballast is made; the store gives it up piece by piece.
  store.clock.advance(6000);
  let failing = 3;
  disk.failCommit = () => (failing-- > 0 ? "SQLITE_FULL" : undefined);
  const { added } = await store.control.declare([domain("one.test", "alice"), domain("three.test")]);
  assert.deepEqual(added, ["three.test"]);
  assert.deepEqual(await known(store), ["alice", "one.test", "three.test"]);
  failing = 3;
  await store.control.addDomain(domain("four.test", "bob"));
  assert.deepEqual(await known(store, "four.test"), ["bob", "four.test", "one.test", "three.test"]);
});

test("mail that is refused because the disk is full does not end a staged change", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  const channel = openChannel<ControlMethods>(store.port("control"));
  await channel.call("stageOpen");
  await openChannel<IntakeMethods>(store.port("intake")).call("trouble", { why: "full", text: "ENOSPC" });
  assert.equal(store.writer.condition, "full");
  store.clock.advance(6000);
  disk.failCommit = "SQLITE_FULL";
  const { kind } = await accept(store.intake, newMail(store.clock.now()));
  disk.failCommit = undefined;
  assert.equal(kind, "refused");
  await channel.call("stageDomains", [{ name: "one.test", settings: SETTINGS }]);
  const { added } = await channel.call("stageFlip");
  assert.deepEqual(added, ["one.test"]);
});

test("small lists share a commit, and a large list is divided between commits", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  const large = Array.from({ length: 2500 }, (_, i) => `user${i}`);
  const domains = Array.from({ length: 150 }, (_, i) =>
    i === 75 ? domain("large.test", ...large) : domain(`small-${i}.test`, `only-${i}`, "postmaster"),
  );
  const before = disk.commits;
  await store.control.declare(domains);
  assert.ok(disk.commits - before < 10, `${disk.commits - before} commits`);
  const generation = store.directory.generation();
  for (const { name, recipients } of domains) {
    const record = store.directory.domain(name, generation) ?? assert.fail(`${name} is gone`);
    const entries = await store.reader.recipients({ domain: name, limit: 1000 });
    assert.equal(entries.items.length, Math.min(1000, recipients.length), name);
    for (const local of recipients) assert.ok(store.directory.recipient(record, local), `${local}@${name}`);
  }
});
