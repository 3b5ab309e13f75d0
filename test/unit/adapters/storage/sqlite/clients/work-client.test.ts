import assert from "node:assert/strict";
import { it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";

it("a grant to a store that has ended is lost, and causes no unhandled rejection", async () => {
  await using store = await openSqliteStore();
  const settled = async (): Promise<void> => {
    for (let turns = 0; turns < 5; turns++) await turn();
  };
  store.closeWorkPort();
  await settled();
  store.work.grant("one.test", 1);
  await settled();
  await assert.rejects(store.work.work(), /the other thread has ended/);
});
