import assert from "node:assert/strict";
import { test } from "node:test";
import { askVia } from "../../../src/threads/primaries-line.ts";
import { ChannelClosed } from "../../../src/runtime/channel.ts";

test("while nobody is there to be asked about an address, or who was asked dies, its sender may come again", async () => {
  const question = { domain: "one.test", address: "alice@one.test" };
  assert.deepEqual(await askVia(() => undefined)(question), { kind: "busy" });
  assert.deepEqual(await askVia(() => Promise.reject(new ChannelClosed()))(question), { kind: "busy" });
  assert.deepEqual(await askVia(async () => ({ kind: "accepted" }))(question), { kind: "accepted" });
});
