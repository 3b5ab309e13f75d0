import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import Database from "better-sqlite3";
import { openTraceWriter } from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import { NO_MAIL, type TraceLine } from "../../../../../../src/ports/journal.ts";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";

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
  trace.append([line(4, NO_MAIL, "refused", "spammer@x.test"), line(5, NO_MAIL, "late", "other@x.test")]);
  assert.deepEqual(await read("m1"), ["accepted", "delivered"]);
  assert.deepEqual(await read("<X@y>"), ["accepted", "delivered"]);
  assert.deepEqual(await read("A@one.test"), ["accepted", "other", "delivered"]);
  assert.deepEqual(await read("spammer@x.test"), ["refused"]);
  assert.deepEqual(await read("m1", 1), ["delivered"]);
  assert.equal(statSync(join(store.folder, "trace.sqlite")).mode & 0o777, 0o600);
  trace.close();
});

it("finds a key in many blocks, the newest lines first to be told", async () => {
  await using store = await openSqliteStore();
  const trace = openTraceWriter(store.folder);
  for (let n = 0; n < 2000; n += 100) {
    const here = (i: number): string[] => (i % 700 === 0 ? ["a@one.test", "b@one.test"] : ["aa@one.test"]);
    trace.append(Array.from({ length: 100 }, (_, i) => line(n + i, `m${n + i}`, "accepted", ...here(n + i))));
  }
  const read = async (about: string, limit: number): Promise<string[]> =>
    (await store.reader.trace({ about, limit })).map(({ id }) => id);
  assert.deepEqual(await read("a@one.test", 10), ["m0", "m700", "m1400"]);
  assert.deepEqual(await read("b@one.test", 2), ["m700", "m1400"]);
  assert.deepEqual(await read("one.test", 10), [], "no part of a key");
  assert.deepEqual((await read("aa@one.test", 1000)).length, 1000);
  assert.equal(trace.trim(710, 1e9), 710);
  assert.deepEqual(await read("a@one.test", 10), ["m1400"]);
  trace.close();
});

/** What the tables were before blocks; before that, lines had no checks either. */
const OLD_TABLES = `
  CREATE TABLE line (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL) STRICT;
  CREATE TABLE key (key TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (key, seq)) STRICT, WITHOUT ROWID;
  CREATE INDEX key_line ON key (seq);
  INSERT INTO line VALUES (600, 1, 'm0', 'mail.accepted', 'old');
  INSERT INTO key VALUES ('m0', 600), ('a@one.test', 600), ('<x@y>', 600);`;

it("goes on with a file of an older version, and keeps what checks said", async () => {
  await using store = await openSqliteStore();
  const old = new Database(join(store.folder, "trace.sqlite"));
  old.exec(OLD_TABLES);
  old.close();
  for (const n of [1, 2]) {
    const trace = openTraceWriter(store.folder);
    trace.append([
      { ...line(n, "m1", "accepted"), checks: `[${n}]` },
      line(n, "m1", "delivered", "a@one.test"),
    ]);
    trace.close();
  }
  const read = async (about: string): Promise<unknown[]> =>
    (await store.reader.trace({ about, limit: 10 })).map(({ text, checks }) => checks ?? text);
  assert.deepEqual(await read("m1"), ["[1]", "delivered", "[2]", "delivered"]);
  for (const about of ["m0", "<X@y>"]) assert.deepEqual(await read(about), ["old"], about);
  assert.deepEqual(await read("a@one.test"), ["old", "[1]", "delivered", "[2]", "delivered"]);
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

it("never throws, not even when it was closed", async () => {
  await using store = await openSqliteStore();
  const trace = openTraceWriter(store.folder);
  trace.close();
  trace.append([line(1, "m", "lost")]);
  assert.equal(trace.trim(0, 0), 0);
  trace.close();
});
