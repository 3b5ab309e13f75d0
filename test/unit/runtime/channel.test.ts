import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { MessageChannel } from "node:worker_threads";
import { ChannelClosed, Moved, openChannel, serveChannel } from "../../../src/runtime/channel.ts";
import { idle } from "../../support/settle.ts";

type Sums = {
  add(pair: readonly [number, number]): number;
  later(value: string): Promise<string>;
  fail(): never;
  echo(bytes: ArrayBuffer): Moved<ArrayBuffer>;
  hang(): Promise<void>;
};

function pair() {
  const { port1, port2 } = new MessageChannel();
  const seen: string[] = [];
  const server = serveChannel<Sums>(port1, {
    add: ([a, b]) => a + b,
    later: async (value) => {
      seen.push(value);
      return value;
    },
    fail: () => {
      throw new Error("it broke");
    },
    echo: (bytes) => new Moved(bytes, [bytes]),
    hang: () => new Promise(() => {}),
  });
  const caller = openChannel<Sums>(port2);
  const close = (): void => caller.close();
  return { server, caller, seen, [Symbol.dispose]: close };
}

test("calls are made in order and answered at once or later", async () => {
  using channel = pair();
  const answers = await Promise.all([
    channel.caller.call("add", [1, 2]),
    channel.caller.call("later", "a"),
    channel.caller.call("later", "b"),
  ]);
  assert.deepEqual(answers, [3, "a", "b"]);
  assert.deepEqual(channel.seen, ["a", "b"]);
});

test("calls of one turn travel as one packet", async () => {
  const { port1, port2 } = new MessageChannel();
  const packets: unknown[] = [];
  port1.on("message", (packet) => packets.push(packet));
  const caller = openChannel<Sums>(port2);
  const calls = [caller.call("add", [1, 1]), caller.call("add", [2, 2]), caller.call("add", [3, 3])];
  await new Promise((resolve) => {
    port1.once("message", resolve);
  });
  assert.equal(packets.length, 1);
  caller.close();
  for (const call of calls) await assert.rejects(call, ChannelClosed);
});

test("an error of the serving side rejects the call with its message", async () => {
  using channel = pair();
  await assert.rejects(channel.caller.call("fail"), /it broke/);
});

test("transferred buffers arrive complete and leave the sender's empty, in both directions", async () => {
  using channel = pair();
  const bytes = new Uint8Array([1, 2, 3]).buffer;
  const back = await channel.caller.call("echo", new Moved(bytes, [bytes]));
  assert.equal(bytes.byteLength, 0);
  assert.deepEqual([...new Uint8Array(back)], [1, 2, 3]);
});

test("a notification from the serving side reaches every listener", async () => {
  using channel = pair();
  const heard = new Promise((resolve) => {
    channel.caller.onEvent(resolve);
  });
  channel.server.tell({ news: 1 });
  assert.deepEqual(await heard, { news: 1 });
});

test("when the serving side ends, open calls and later calls are rejected", async () => {
  using channel = pair();
  const call = channel.caller.call("hang");
  channel.server.close();
  await assert.rejects(call, ChannelClosed);
  await assert.rejects(channel.caller.call("add", [1, 1]), ChannelClosed);
});

test("a call that was answered is forgotten, so that a long-lived channel does not grow", async () => {
  using channel = pair();
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const calls = Array.from({ length: 100 }, () => new WeakRef(channel.caller.call("add", [1, 2])));
  await channel.caller.call("later", "a");
  await idle();
  collect();
  const kept = calls.filter((call) => call.deref() !== undefined).length;
  assert.ok(kept < 10, `${kept} of 100 are kept`);
});
