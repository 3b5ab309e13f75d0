import assert from "node:assert/strict";
import { test } from "node:test";
import { clientTables, freeLocks } from "../../../src/runtime/client-tables.ts";

test("all locks of a dead thread are released while those of another dead thread are still held", () => {
  const tables = clientTables(2);
  const locks = [tables.connections, tables.rates, tables.strangers].map((memory) => new Int32Array(memory));
  const held = (): readonly (number | undefined)[] => locks.map((cells) => cells[0]);
  for (const [n, cells] of locks.entries()) cells[0] = n === 0 ? 2 : 1;
  freeLocks(tables, 0);
  assert.deepEqual(held(), [2, 0, 0]);
  freeLocks(tables, 1);
  assert.deepEqual(held(), [0, 0, 0]);
});
