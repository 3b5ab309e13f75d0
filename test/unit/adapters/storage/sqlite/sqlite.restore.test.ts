import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import Database from "better-sqlite3";
import { SETTINGS } from "../../../../contract/mails.ts";
import { openSqliteStore } from "../../../../contract/sqlite-harness.ts";

const GUIDE = new URL("../../../../../docs/operating.md", import.meta.url);

it("hands over nothing of a restored copy before an operator says so, by the command of the guide", async () => {
  const [, command = ""] =
    /^sqlite3 data\/queue\.sqlite '(INSERT .*)'$/m.exec(readFileSync(GUIDE, "utf8")) ?? [];
  await using store = await openSqliteStore();
  await store.control.declare([{ name: "one.test", settings: SETTINGS, recipients: ["a"] }]);
  await store.control.addDomain({ name: "two.test", settings: SETTINGS });
  await store.writer.close();
  const copy = new Database(join(store.folder, "queue.sqlite"));
  copy.exec(command);
  copy.close();
  await using restored = await openSqliteStore({ folder: store.folder, clock: store.clock });
  const { directory, control } = restored;
  const paused = (name: string) => directory.domain(name, directory.generation())?.paused;
  assert.deepEqual([paused("one.test"), paused("two.test")], [true, true]);
  await control.setPaused("one.test", false);
  assert.deepEqual([paused("one.test"), paused("two.test")], [false, true]);
});
