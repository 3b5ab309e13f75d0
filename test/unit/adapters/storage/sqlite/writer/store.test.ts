import assert from "node:assert/strict";
import { it } from "node:test";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { FlakyDisk } from "../disk/flaky-disk.ts";

/** Large tables: mail, recipient lists and what was learned. No statement of the writer may scan one of them. */
const LARGE = /^SCAN (message|body|recipient|entry|accepted|r|m|e|k)\b/;

it("every statement of the writer uses an index", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  const [database] = disk.opened as [(typeof disk.opened)[0]];
  const statements = [...new Set(disk.statements)].filter((sql) =>
    /^\s*(SELECT|UPDATE|DELETE|WITH)/.test(sql),
  );
  assert.ok(statements.length > 30);
  for (const sql of statements) {
    const values = Array.from({ length: sql.split("?").length - 1 }, () => 0);
    const plan = database.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
    for (const { detail } of plan) assert.doesNotMatch(detail, LARGE, sql);
    for (const { detail } of plan) assert.doesNotMatch(detail, /TEMP B-TREE/, sql);
  }
  assert.equal(store.writer.condition, "ok");
});

it("finds a mail's recipients by the mail's key, not by their state", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  const plan = (part: string): string => {
    const sql = disk.statements.find((statement) => statement.includes(part)) ?? assert.fail(part);
    const values = Array.from({ length: sql.split("?").length - 1 }, () => 0);
    return JSON.stringify(disk.opened[0]?.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values));
  };
  assert.match(plan("SELECT n, address, notify"), /PRIMARY KEY \(mail=\?\)/);
  assert.match(plan("SELECT mail, n, address FROM recipient"), /PRIMARY KEY \(mail=\?\)/);
  assert.equal(store.writer.condition, "ok");
});
