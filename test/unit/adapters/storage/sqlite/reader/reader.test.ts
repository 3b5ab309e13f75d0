import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { it } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { readerClient } from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import { serveChannel } from "../../../../../../src/runtime/channel.ts";

it("exports a body that became a row before its segment was opened", async () => {
  const { port1, port2 } = new MessageChannel();
  const stored = { topFields: "Received: here\r\n", size: 4, crc: null };
  const answers = [
    { ...stored, body: { file: "/nowhere/segment", start: 10 } },
    { ...stored, body: Uint8Array.from(Buffer.from("body")).buffer },
  ];
  const server = serveChannel(port1, { export: () => answers.shift() });
  const reader = readerClient();
  reader.connect(port2);
  try {
    const mail = (await reader.export("1")) ?? assert.fail("it is there");
    assert.equal(await text(mail), "Received: here\r\nbody");
    assert.equal(await reader.export("1"), undefined);
  } finally {
    server.close();
  }
});
