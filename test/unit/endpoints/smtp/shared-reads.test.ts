import assert from "node:assert/strict";
import { createServer, connect, Socket, type AddressInfo } from "node:net";
import { TLSSocket } from "node:tls";
import { test } from "node:test";
import { takeShared } from "../../../../src/endpoints/smtp/shared-reads.ts";
import type { StageCheck } from "../../../../src/services/policy/check.ts";
import { RawSmtp } from "../../../support/raw-smtp.ts";
import { startBench } from "../../../support/smtp-bench.ts";

test("what waits behind a slow check is not overwritten by what another client sends", async () => {
  const released = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const slow: StageCheck<"rcpt"> = {
    name: "slow",
    stage: "rcpt",
    run: async ({ sender }) => {
      if (sender !== "slow@b.example") return { kind: "accept" };
      reached.resolve();
      await released.promise;
      return { kind: "accept" };
    },
  };
  await using bench = await startBench({ checks: [slow] });
  const first = new RawSmtp(connect(bench.port, "127.0.0.1"));
  const other = new RawSmtp(connect(bench.port, "127.0.0.1"));
  await first.reply();
  await other.reply();
  await first.command("EHLO c.example");
  first.write(
    "MAIL FROM:<slow@b.example>\r\nRCPT TO:<alice@our.test>\r\nBDAT 6\r\nfirst\nBDAT 7 LAST\r\n\r\nbody\n",
  );
  await reached.promise;
  await other.command("EHLO other.example");
  for (let n = 0; n < 20; n++) assert.equal((await other.command(`NOOP ${"z".repeat(90)}`))?.code, 250);
  released.resolve();
  const replies = [];
  for (let n = 0; n < 4; n++) replies.push((await first.reply())?.code);
  assert.deepEqual(replies, [250, 250, 250, 250]);
  assert.equal(bench.intake.mails[0]?.body.toString(), "first\r\n\r\nbody\r\n");
  first.close();
  other.close();
});

test("an accepted socket reads into the shared buffer", async () => {
  const taken: string[] = [];
  const data: Buffer[] = [];
  const shared: boolean[] = [];
  const server = createServer((socket) => {
    shared.push(takeShared(socket, (octets) => void taken.push(octets.toString())));
    socket.on("data", (octets) => void data.push(octets));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.end("hello");
  await new Promise<void>((resolve) => {
    client.on("close", () => void server.close(() => resolve()));
    client.resume();
  });
  assert.deepEqual({ shared, taken, data }, { shared: [true], taken: ["hello"], data: [] });
});

test("a socket that is not as expected stays as it is", () => {
  const ignore = (): void => {};
  assert.equal(takeShared(new Socket(), ignore), false);
  assert.equal(takeShared(new TLSSocket(new Socket()), ignore), false);
});

test("a socket that was read from already stays as it is", async () => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer((socket) => {
    socket.once("data", () => resolve(takeShared(socket, () => {})));
  });
  await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.write("PROXY");
  assert.equal(await promise, false);
  client.destroy();
  server.close();
});

test("where Node.js does not offer it, mail is taken all the same", async () => {
  const handles = streamHandles();
  const { useUserBuffer } = handles;
  delete handles.useUserBuffer;
  try {
    await using bench = await startBench({});
    const smtp = new RawSmtp(connect(bench.port, "127.0.0.1"));
    await smtp.reply();
    const commands = ["EHLO c.example", "MAIL FROM:<a@b.example>", "RCPT TO:<alice@our.test>"];
    for (const command of commands) assert.equal((await smtp.command(command))?.code, 250);
    const body = `Subject: long\r\n\r\n${"all of it\r\n".repeat(20_000)}`;
    smtp.write(`BDAT ${body.length} LAST\r\n${body}`);
    assert.equal((await smtp.reply())?.code, 250);
    assert.equal(bench.intake.mails[0]?.body.toString(), body);
    smtp.close();
  } finally {
    handles.useUserBuffer = useUserBuffer;
  }
});

/** What all handles of streams have their `useUserBuffer` from. */
function streamHandles(): { useUserBuffer?: unknown } {
  const socket = connect({ port: 9, host: "127.0.0.1" }).on("error", () => {});
  let handle = (socket as unknown as { _handle: object })._handle;
  while (!Object.hasOwn(handle, "useUserBuffer")) handle = Object.getPrototypeOf(handle) as object;
  socket.destroy();
  return handle;
}
