import assert from "node:assert/strict";
import { it } from "node:test";
import { openAllowedSenders } from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";

it("finds allowed senders by address or domain, for all recipient domains or for one", async () => {
  await using store = await openSqliteStore();
  const senders = openAllowedSenders(store.folder);
  const at = 5;
  const add = (sender: string, domain?: string) =>
    store.control.allowSender({ sender, at, who: "x", ...(domain !== undefined && { domain }) });
  assert.equal(senders.has("a@news.example", "one.test"), false);
  assert.equal(await add("a@news.example", "one.test"), true);
  assert.equal(await add("@all.example"), true);
  assert.equal(await add("@all.example"), false);
  const has = (sender: string) => ["one.test", "two.test"].map((domain) => senders.has(sender, domain));
  assert.deepEqual(has("a@news.example"), [true, false]);
  assert.deepEqual(has("b@news.example"), [false, false]);
  assert.deepEqual(has("anybody@all.example"), [true, true]);
  assert.deepEqual(has("anybody@sub.all.example"), [false, false]);
  assert.deepEqual(
    [has(""), has("all.example")],
    [
      [false, false],
      [false, false],
    ],
  );
  assert.deepEqual(await store.reader.allowedSenders(), [
    { sender: "@all.example", at, who: "x" },
    { sender: "a@news.example", domain: "one.test", at, who: "x" },
  ]);
  assert.equal(await store.control.disallowSender({ sender: "a@news.example" }), false);
  assert.equal(await store.control.disallowSender({ sender: "a@news.example", domain: "one.test" }), true);
  assert.deepEqual(has("a@news.example"), [false, false]);
  senders.close();
});
