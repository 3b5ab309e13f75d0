import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import Database from "better-sqlite3";
import { openTraceWriter } from "../../../../../src/adapters/storage/sqlite/sqlite.ts";
import type { TraceLine } from "../../../../../src/ports/journal.ts";
import { openSqliteStore } from "../../../../contract/sqlite-harness.ts";

const line = (at: number, id: string, text: string, ...keys: string[]): TraceLine => ({
  at,
  id,
  kind: "mail.accepted",
  text,
  keys,
});

it("finds a mail's lines by id, address and Message-ID", async () => {
  await using store = await openSqliteStore();
  const read = async (about: string, limit = 100): Promise<string[]> =>
    (await store.reader.trace({ about, limit })).map(({ text }) => text);
  assert.deepEqual(await read("m1"), []);
  const trace = openTraceWriter(store.folder);
  trace.append([line(1, "m1", "accepted", "a@one.test", "<x@y>"), line(2, "m2", "other", "a@one.test")]);
  trace.append([line(3, "m1", "delivered", "b@one.test")]);
  trace.append([line(4, "", "refused", "spammer@x.test")]);
  assert.deepEqual(await read("m1"), ["accepted", "delivered"]);
  assert.deepEqual(await read("<X@y>"), ["accepted", "delivered"]);
  assert.deepEqual(await read("A@one.test"), ["accepted", "other", "delivered"]);
  assert.deepEqual(await read("spammer@x.test"), ["refused"]);
  assert.deepEqual(await read("m1", 1), ["delivered"]);
  assert.equal(statSync(join(store.folder, "trace.sqlite")).mode & 0o777, 0o600);
  trace.close();
});

it("keeps what checks said, also in a file of an older version", async () => {
  await using store = await openSqliteStore();
  const old = new Database(join(store.folder, "trace.sqlite"));
  old.exec(
    "CREATE TABLE line (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL) STRICT",
  );
  old.close();
  for (const n of [1, 2]) {
    const trace = openTraceWriter(store.folder);
    trace.append([{ ...line(n, "m1", "accepted"), checks: `[${n}]` }, line(n, "m1", "delivered")]);
    trace.close();
  }
  const found = await store.reader.trace({ about: "m1", limit: 10 });
  assert.deepEqual(
    found.map(({ checks }) => checks),
    ["[1]", undefined, "[2]", undefined],
  );
});

it("trims by age and by size, a bounded slice at a time", async () => {
  await using store = await openSqliteStore();
  const trace = openTraceWriter(store.folder);
  trace.append(Array.from({ length: 2500 }, (_, i) => line(i, `m${i}`, "x".repeat(100))));
  assert.equal(trace.trim(0, 1e9), 0);
  assert.equal(trace.trim(10, 1e9), 10);
  assert.equal(trace.trim(5000, 1e9), 1000);
  assert.ok(trace.trim(0, 1) > 0);
  assert.deepEqual(await store.reader.trace({ about: "m5", limit: 10 }), []);
  assert.equal((await store.reader.trace({ about: "m2499", limit: 10 })).length, 1);
  trace.close();
});

it("never throws", async () => {
  await using store = await openSqliteStore();
  const trace = openTraceWriter(store.folder);
  trace.close();
  trace.append([line(1, "m", "lost")]);
  assert.equal(trace.trim(0, 0), 0);
  trace.close();
});
