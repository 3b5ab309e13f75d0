import assert from "node:assert/strict";
import { test } from "node:test";
import { Batch } from "../../../../../../src/adapters/storage/sqlite/commit/batch.ts";
import { realDisk } from "../../../../../../src/adapters/storage/sqlite/disk/disk.ts";
import { BoundedTable } from "../../../../../../src/adapters/storage/sqlite/memory/bounded-table.ts";

const MOST = 5000;

function openCase() {
  const database = realDisk.openDatabase(":memory:", {});
  database.exec("CREATE TABLE t (key INTEGER PRIMARY KEY, at INTEGER); CREATE INDEX t_at ON t (at)");
  const table = new BoundedTable(database, { table: "t", key: "key", by: "at", most: MOST });
  const insert = database.prepare("INSERT OR REPLACE INTO t VALUES (?, ?)");
  const range = database
    .prepare<[], [number, number, number]>("SELECT count(*), min(at), max(at) FROM t")
    .raw();
  /** One job that puts rows whose key and time are the numbers from `from` on. */
  const put = database.transaction((from: number, rows: number, over: number, undo: boolean) => {
    for (let i = from; i < from + rows; i++) insert.run(i, i);
    const batch = new Batch();
    table.tidy(rows, over, batch);
    if (!undo) return;
    batch.rolledBack();
    throw new Error("undone");
  });
  return {
    put: (from: number, rows: number, over = -1) => put(from, rows, over, false),
    undo: (from: number, rows: number) => assert.throws(() => put(from, rows, -1, true), /undone/),
    range: () => range.get() ?? [],
    [Symbol.dispose]: () => void database.close(),
  };
}

test("keeps its bound whatever number of rows a job puts, and removes the oldest rows", () => {
  using it = openCase();
  for (let from = 0; from < 30_000; from += 3000) {
    it.put(from, 3000);
    const [rows = 0, first = 0, last = 0] = it.range();
    assert.ok(rows <= MOST, `${rows} rows`);
    assert.deepEqual([last, last - first + 1], [from + 2999, rows]);
  }
});

test("removes no row below its bound when the same rows are put again and again", () => {
  using it = openCase();
  for (let time = 0; time < 10; time++) it.put(0, 4000);
  assert.deepEqual(it.range(), [4000, 0, 3999]);
});

test("removes expired rows, a bounded number per job", () => {
  using it = openCase();
  it.put(0, 4000);
  it.put(4000, 1, 2999);
  assert.deepEqual(it.range(), [3000, 1001, 4000]);
  for (let row = 4001; row < 4003; row++) it.put(row, 1, 2999);
  assert.deepEqual(it.range(), [1003, 3000, 4002]);
});

test("does not count the rows of a job that was rolled back", () => {
  using it = openCase();
  it.put(0, MOST);
  for (let time = 0; time < 10; time++) it.undo(MOST, 100);
  it.put(MOST, 100);
  const [rows = 0, first = 0] = it.range();
  assert.deepEqual([rows, first], [4000, 1100]);
  it.put(6000, 900);
  assert.equal(it.range()[0], 4900);
  it.put(7000, 101);
  assert.ok((it.range()[0] ?? 0) <= MOST);
});
