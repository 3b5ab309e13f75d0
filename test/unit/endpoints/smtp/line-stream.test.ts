import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { LineStream } from "../../../../src/endpoints/smtp/line-stream.ts";
import { askForTls, RawSmtp } from "../../../support/raw-smtp.ts";
import { type Bench, startBench } from "../../../support/smtp-bench.ts";
import { testMaterial } from "../../../support/test-certificate.ts";

/** Records of one octet, 22 or more on the wire. */
const RECORDS = 10_000;
const MOST_READ = 100_000;

async function begin(
  bench: Bench,
  tls: "starttls" | "implicit",
): Promise<{ client: TLSSocket; ours: Socket }> {
  const accepted = Promise.withResolvers<Socket>();
  const take = (message: unknown): void => accepted.resolve((message as { socket: Socket }).socket);
  subscribe("net.server.socket", take);
  const socket = connect(bench.port, "127.0.0.1");
  const ours = await accepted.promise;
  unsubscribe("net.server.socket", take);
  if (tls === "starttls") await askForTls(socket);
  const client = connectTls({ socket, rejectUnauthorized: false });
  await once(client, "secureConnect");
  return { client, ours };
}

for (const tls of ["implicit", "starttls"] as const)
  test(`while the store decides, little of what a client sends under TLS is read ahead: ${tls}`, async () => {
    const settings = { tls: await testMaterial(), listeners: [{ address: "127.0.0.1", port: 0, tls }] };
    await using bench = await startBench({ settings });
    const asked = Promise.withResolvers<void>();
    const decided = Promise.withResolvers<void>();
    bench.intake.onAccept = () => {
      asked.resolve();
      return decided.promise;
    };
    const { client, ours } = await begin(bench, tls);
    const smtp = new RawSmtp(client);
    if (tls === "implicit") await smtp.reply();
    for (const command of ["EHLO c.example", "MAIL FROM:<a@b.example>", "RCPT TO:<alice@our.test>", "DATA"])
      assert.ok(((await smtp.command(command))?.code ?? 500) < 400);
    smtp.write("x\r\n.\r\n");
    await asked.promise;
    const before = ours.bytesRead;
    for (const octet of "NOOP\r\n".repeat(RECORDS / 6))
      await new Promise((sent) => void client.write(octet, sent));
    // The server gets its turns.
    for (let n = 0; n < 20; n++) await turn();
    assert.ok(ours.bytesRead - before < MOST_READ, `${ours.bytesRead - before} octets`);
    decided.resolve();
    assert.match((await smtp.reply())?.lines[0] ?? "", /^250 2\.0\.0 Ok: queued/);
    assert.equal((await smtp.reply())?.code, 250);
    smtp.close();
  });

const bug = (): Error => new Error("a bug");
for (const [how, fail] of [
  [
    "throws",
    () => {
      throw bug();
    },
  ],
  ["rejects", () => Promise.reject(bug())],
] as const)
  test(`a handler that ${how} is told of once, and no line after it is handed out`, async () => {
    const lines: string[] = [];
    const told: string[] = [];
    const stream = new LineStream({
      line: (line) => {
        lines.push(String(line));
        return fail();
      },
      chunk: () => ({}),
      longest: () => 100,
      tooLong: () => assert.fail("no line is too long"),
      foreign: () => assert.fail("all of it is text"),
      flush: () => undefined,
      failed: (error) => void told.push((error as Error).message),
    });
    const take = (text: string): Promise<void> =>
      new Promise((taken) => stream._write(Buffer.from(text), "", () => taken()));
    await take("first\r\nsecond\r\n");
    await take("third\r\n");
    assert.deepEqual([lines, told, stream.isClosed], [["first"], ["a bug"], true]);
  });
