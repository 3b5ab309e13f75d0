import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { it } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { readerClient } from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import { accept, newMail } from "../../../../../contract/mails.ts";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { waitFor } from "../../../../../support/wait.ts";
import { openAs } from "../disk/file-faults.ts";
import { serveChannel } from "../../../../../../src/runtime/channel.ts";

it("exports a body that was moved into a row before its segment was opened", async () => {
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
    const mail = (await reader.export("1")) ?? assert.fail("the mail is missing");
    assert.equal(await text(mail), "Received: here\r\nbody");
    assert.equal(await reader.export("1"), undefined);
  } finally {
    server.close();
  }
});

it("rejects the pending calls to a thread that never started when the next thread connects", async () => {
  const never = new MessageChannel();
  const { port1, port2 } = new MessageChannel();
  const server = serveChannel(port1, { quarantined: () => 3 });
  const reader = readerClient();
  reader.connect(never.port2);
  const asked = reader.quarantined();
  reader.connect(port2);
  try {
    await assert.rejects(asked, { name: "ChannelClosed" });
    assert.equal(await reader.quarantined(), 3);
  } finally {
    server.close();
  }
});

it("closes the file of an export that is read to its end, in part or not at all", async () => {
  await using store = await openSqliteStore();
  const mail = newMail(store.clock.now());
  await accept(store.intake, mail, Buffer.alloc(300_000, 1));
  const [name = assert.fail("no file")] = readdirSync(join(store.folder, "spool"));
  const given = async () => (await store.reader.export(mail.id)) ?? assert.fail("the mail is missing");
  const closed = (): boolean => openAs(name).length === 0;
  const whole = await buffer(await given());
  assert.equal(whole.length, mail.topFields.length + 300_000);
  assert.ok(closed(), "closed before the stream ends");
  const unread = await given();
  assert.ok(!closed());
  unread.destroy();
  await waitFor({ what: "the file to be closed unread", deadline: 20_000 }, closed);
  for await (const _ of await given()) break;
  await waitFor({ what: "the file to be closed half read", deadline: 20_000 }, closed);
});
