import assert from "node:assert/strict";
import { test } from "node:test";
import { askVia } from "../../../src/threads/primaries-line.ts";
import { ChannelClosed } from "../../../src/runtime/channel.ts";

test("without a delivery thread, or if it dies during a callout, the sender is deferred", async () => {
  const question = { domain: "one.test", address: "alice@one.test" };
  assert.deepEqual(await askVia(() => undefined)(question), { kind: "busy" });
  assert.deepEqual(await askVia(() => Promise.reject(new ChannelClosed()))(question), { kind: "busy" });
  assert.deepEqual(await askVia(async () => ({ kind: "accepted" }))(question), { kind: "accepted" });
});
