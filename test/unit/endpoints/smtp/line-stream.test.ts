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

/** The lines that these pieces make. */
async function feedLines(pieces: readonly string[], { foreign }: { foreign(): void }): Promise<string[]> {
  const lines: string[] = [];
  const stream = new LineStream({
    line: (line) => void lines.push(line.toString("latin1")),
    chunk: () => ({}),
    longest: () => 100,
    tooLong: () => assert.fail("no line is too long"),
    foreign,
    flush: () => undefined,
    failed: (error) => assert.fail(String(error)),
  });
  for (const piece of pieces)
    await new Promise<void>((taken) => stream._write(Buffer.from(piece, "latin1"), "", () => taken()));
  return lines;
}

test("a line has its bound, its CR included, in one piece and in many; what is too long is forgotten", async () => {
  for (const step of [1, 7, 1000])
    for (const [text, wanted] of [
      [`${"x".repeat(99)}\r\nNOOP\r\n`, [99, 4]],
      [`${"x".repeat(100)}\n`, [100]],
      [`${"x".repeat(100)}\r\n`, ["too long"]],
      [`A\r\n${"x".repeat(101)}`, [1, "too long"]],
    ] as const) {
      const seen: (number | string)[] = [];
      const stream = new LineStream({
        line: (line) => void seen.push(line.length),
        chunk: () => ({}),
        longest: () => 100,
        tooLong: () => {
          seen.push("too long");
          stream.isClosed = true;
        },
        foreign: () => assert.fail("all of it is text"),
        flush: () => undefined,
        failed: (error) => assert.fail(String(error)),
      });
      const octets = Buffer.from(text);
      for (let at = 0; at < octets.length; at += step)
        await new Promise<void>((taken) => stream._write(octets.subarray(at, at + step), "", () => taken()));
      assert.deepEqual(seen, wanted, `${step} ${JSON.stringify(text)}`);
    }
});

test("a TLS handshake is told where a line begins, and nowhere else", async () => {
  for (const pieces of [["\x16\x03"], ["NOOP\r\n\x16\x03"], ["NOOP\r\n", "\x16"]]) {
    let foreign = 0;
    await feedLines(pieces, { foreign: () => void (foreign += 1) });
    assert.equal(foreign, 1, JSON.stringify(pieces));
  }
  for (const pieces of [["a\x16b\r\n"], ["a", "\x16b\r\n"]])
    assert.deepEqual(await feedLines(pieces, { foreign: () => assert.fail() }), ["a\x16b"]);
});
