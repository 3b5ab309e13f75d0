import assert from "node:assert/strict";
import { rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import Database from "better-sqlite3";
import { openTraceWriter } from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import type { MailEvent } from "../../../../../../src/ports/journal.ts";
import { traceKeys, type TracedEvent, type TraceWriter } from "../../../../../../src/ports/trace.ts";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";

type Store = Awaited<ReturnType<typeof openSqliteStore>>;

function accepted(id: string, sender: string, more: object = {}): MailEvent {
  return {
    kind: "mail.accepted",
    id,
    sender,
    recipients: [],
    ip: "192.0.2.1",
    helo: "x".repeat(50),
    size: 1,
    ...more,
  };
}

function delivered(id: string, recipient: string): MailEvent {
  return { kind: "mail.delivered", id, recipient, domain: "one.test" };
}

function refused(sender: string, recipient: string): TracedEvent {
  return {
    kind: "client.refused",
    ip: "192.0.2.1",
    stage: "rcpt",
    reply: { code: 550, text: "no" },
    sender,
    recipient,
  };
}

/** Writes events together, the first at `at` ms and each 1 ms after the one before. */
function write(trace: TraceWriter, at: number, events: readonly TracedEvent[]): number {
  for (const [i, event] of events.entries()) trace.add({ at: at + i, event }, traceKeys(event) ?? []);
  return trace.write();
}

/** The times of the events with any of these keys. */
async function timesOf(store: Store, about: readonly string[], limit = 100): Promise<number[]> {
  return (await store.reader.trace({ about, limit })).map(({ at }) => at);
}

function many(count: number, make: (n: number) => TracedEvent): TracedEvent[] {
  return Array.from({ length: count }, (_, n) => make(n));
}

it("finds events, unchanged, by id, address and Message-ID", async () => {
  await using store = await openSqliteStore();
  assert.deepEqual(await timesOf(store, ["m1"]), []);
  const trace = openTraceWriter(store.folder);
  const first = accepted("m1", "A@one.test", { messageId: "<X@y>", checks: "[1]" });
  write(trace, 1, [first, accepted("m2", "a@one.test")]);
  write(trace, 3, [delivered("m1", "b@one.test")]);
  write(trace, 4, [refused("spammer@x.test", "b@one.test"), refused("other@x.test", "c@one.test")]);
  assert.deepEqual(await timesOf(store, ["m1"]), [1, 3]);
  assert.deepEqual(await timesOf(store, ["x@Y"]), [1]);
  assert.deepEqual(await timesOf(store, ["A@one.test"]), [1, 2]);
  assert.deepEqual(await timesOf(store, ["b@one.test"]), [3, 4]);
  assert.deepEqual(await timesOf(store, ["m2", "other@x.test"]), [2, 5]);
  assert.deepEqual(await timesOf(store, ["one.test"]), [], "a part of a key finds nothing");
  assert.deepEqual(await timesOf(store, ["m1"], 1), [3], "the limit keeps the newest");
  assert.deepEqual(await store.reader.trace({ about: ["x@y"], limit: 1 }), [{ at: 1, event: first }]);
  assert.equal(statSync(join(store.folder, "trace.sqlite")).mode & 0o777, 0o600);
  trace.close();
});

it("finds a key in many blocks; the limit keeps the newest events", async () => {
  await using store = await openSqliteStore();
  const trace = openTraceWriter(store.folder);
  for (let at = 0; at < 2000; at += 100) {
    const events = many(100, (n) =>
      accepted(`m${at + n}`, (at + n) % 700 === 0 ? "b@one.test" : "a@one.test"),
    );
    assert.equal(write(trace, at, events), 0, "nothing is lost");
  }
  assert.deepEqual(await timesOf(store, ["b@one.test"], 10), [0, 700, 1400]);
  assert.deepEqual(await timesOf(store, ["b@one.test"], 2), [700, 1400]);
  assert.deepEqual(await timesOf(store, ["m5", "m1999"], 10), [5, 1999]);
  assert.equal(
    (await timesOf(store, ["a@one.test"], 5000)).length,
    1000,
    "no answer has more than 1000 events",
  );
  trace.close();
});

it("appends after a restart, and drops the tables of an older version", async () => {
  await using store = await openSqliteStore();
  const old = new Database(join(store.folder, "trace.sqlite"));
  old.exec(
    "CREATE TABLE line (seq INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT; INSERT INTO line VALUES (1, 'm1')",
  );
  old.close();
  for (const at of [1, 2]) {
    const trace = openTraceWriter(store.folder);
    write(trace, at, [accepted("m1", "a@one.test")]);
    trace.close();
  }
  assert.deepEqual(await timesOf(store, ["m1"]), [1, 2]);
});

it("trims whole blocks by age and by size, a bounded slice at a time", async () => {
  await using store = await openSqliteStore();
  const trace = openTraceWriter(store.folder);
  write(
    trace,
    0,
    many(5000, (n) => accepted(`m${n}`, "a@one.test")),
  );
  assert.equal(trace.trim(0, 1e9), 0);
  const old = trace.trim(1000, 1e9);
  assert.ok(old > 800 && old <= 1000, `${old}`);
  assert.deepEqual(await timesOf(store, ["m999"]), [999], "its block has newer events");
  const slice = trace.trim(10_000, 1e9);
  assert.ok(slice > 1000 && slice < 4000, `${slice}`);
  assert.ok(trace.trim(0, 1) > 0);
  assert.deepEqual(await timesOf(store, ["m5"]), []);
  trace.close();
});

it("returns the space of trimmed blocks, and does not trim more while that space is being returned", async () => {
  await using store = await openSqliteStore();
  const trace = openTraceWriter(store.folder);
  write(
    trace,
    0,
    many(12_000, (n) => accepted(`m${n}`, "a@one.test")),
  );
  const look = new Database(join(store.folder, "trace.sqlite"), { readonly: true });
  const one = (sql: string): number => look.prepare<[], number>(sql).pluck().get() ?? -1;
  const pages = (): number => look.pragma("page_count", { simple: true }) as number;
  const before = pages();
  const most = (before * 4096) / 2;
  const slice = trace.trim(0, most);
  let trimmed = slice;
  for (let last = slice; last > 0; trimmed += last) last = trace.trim(0, most);
  assert.ok(trimmed > 5000 && trimmed < 6000 + slice, `${trimmed}`);
  assert.ok(pages() < before, `${pages()} of ${before} pages`);
  assert.equal(one("SELECT count(*) FROM filter"), one("SELECT count(*) FROM block"));
  look.close();
  trace.close();
});

it("trims old events of the block that is not yet full, too", async () => {
  await using store = await openSqliteStore();
  const trace = openTraceWriter(store.folder);
  write(trace, 1, [accepted("m1", "a@one.test")]);
  assert.equal(trace.trim(2, 1e9), 1);
  write(trace, 3, [accepted("m3", "a@one.test")]);
  assert.deepEqual(await timesOf(store, ["a@one.test"]), [3]);
  assert.equal(trace.trim(2, 1e9), 0);
  trace.close();
});

it("keeps the events of the current block while the trace cannot be written", async () => {
  await using store = await openSqliteStore();
  const trace = openTraceWriter(store.folder);
  const other = new Database(join(store.folder, "trace.sqlite"));
  other.exec("BEGIN IMMEDIATE");
  assert.equal(write(trace, 1, [accepted("m1", "a@one.test")]), 0);
  other.exec("COMMIT");
  other.close();
  assert.deepEqual(await timesOf(store, ["a@one.test"]), []);
  write(trace, 2, [accepted("m2", "a@one.test")]);
  assert.deepEqual(await timesOf(store, ["a@one.test"]), [1, 2]);
  trace.close();
});

it("does not throw after it was closed, and counts the lost events except those of the current block", async () => {
  await using store = await openSqliteStore();
  const trace = openTraceWriter(store.folder);
  trace.close();
  const lost = write(
    trace,
    1,
    many(500, (n) => accepted(`m${n}`, "a@one.test")),
  );
  assert.ok(lost > 300 && lost < 500, `${lost}`);
  assert.equal(trace.trim(0, 0), 0);
  trace.close();
});

it("stores events of any size and script, and no leftover of a reused block", async () => {
  await using store = await openSqliteStore();
  const trace = openTraceWriter(store.folder);
  const large = accepted("large", "ü@one.test", { helo: "ä€😀".repeat(20_000) });
  const before = many(200, (n) => accepted(`before${n}`, "early@one.test"));
  write(trace, 1, [...before, large]);
  write(
    trace,
    1000,
    many(200, (n) => accepted(`after${n}`, "late@one.test")),
  );
  assert.deepEqual(await store.reader.trace({ about: ["large"], limit: 9 }), [{ at: 201, event: large }]);
  assert.equal((await timesOf(store, ["early@one.test"], 1000)).length, 200);
  const late = await timesOf(store, ["late@one.test"], 1000);
  assert.deepEqual([late.length, late[0]], [200, 1000]);
  trace.close();
});

it("diskAnswers() touches the file's modification time, and does not fail if the file is gone", async () => {
  await using store = await openSqliteStore();
  const trace = openTraceWriter(store.folder);
  const file = join(store.folder, "trace.sqlite");
  utimesSync(file, 0, 0);
  await trace.diskAnswers();
  assert.notEqual(statSync(file).mtimeMs, 0);
  rmSync(file);
  await trace.diskAnswers();
  trace.close();
});
