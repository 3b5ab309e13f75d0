/** Clients that leave, or go on speaking, while their mail is looked at. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { ACCEPT } from "../../../../src/mail/verdict.ts";
import { FakeInspection } from "../../../support/fake-inspection.ts";
import { askForTls, RawSmtp } from "../../../support/raw-smtp.ts";
import { startBench, type Bench } from "../../../support/smtp-bench.ts";
import { testMaterial } from "../../../support/test-certificate.ts";
import { waitFor } from "../../../support/wait.ts";

const WAIT = { deadline: 20_000, every: 2 };
const BODY = "Subject: x\r\n\r\nhi\r\n";
const ENDINGS = {
  DATA: ["DATA\r\n", `${BODY}.\r\n`],
  BDAT: [`BDAT ${BODY.length} LAST\r\n${BODY}`],
} as const;
const COVERS = ["in clear", "implicit TLS", "STARTTLS"] as const;

interface Look {
  readonly bench: Bench;
  readonly smtp: RawSmtp;
  /** Under TLS, where there is any. */
  readonly socket: Socket;
  /** Lets the inspection end. */
  readonly speak: () => void;
}

/** A client whose mail is being looked at; `more` it sends in one go with the end of its body. */
async function whileLookedAt(
  cover: (typeof COVERS)[number],
  ending: readonly string[],
  { more = "", act }: { readonly more?: string; readonly act: (look: Look) => Promise<void> },
): Promise<void> {
  const looked = Promise.withResolvers<void>();
  const spoken = Promise.withResolvers<void>();
  const fake = new FakeInspection();
  fake.answer = async () => {
    looked.resolve();
    await spoken.promise;
    return { verdict: ACCEPT };
  };
  const tls = cover === "implicit TLS" ? "implicit" : "starttls";
  const listeners = [{ address: "127.0.0.1", port: 0, tls }] as const;
  const settings = { listeners, ...(cover !== "in clear" && { tls: await testMaterial() }) };
  await using bench = await startBench({ inspections: [fake], settings });
  const socket = connect(bench.port, "127.0.0.1");
  const smtp = await openSession(socket, cover);
  for (const line of ["EHLO c.example", "MAIL FROM:<a@b.example>", "RCPT TO:<alice@our.test>"])
    assert.ok(((await smtp.command(line))?.code ?? 500) < 400);
  const [last = "", ...before] = ending.toReversed();
  for (const part of before.toReversed()) {
    smtp.write(part);
    await smtp.reply();
  }
  smtp.write(last + more);
  await looked.promise;
  await act({ bench, smtp, socket, speak: spoken.resolve });
  smtp.close();
  const table = bench.connections;
  await waitFor({ what: "its place", ...WAIT }, () => table.total() === 0);
  assert.equal(bench.intake.open.size, 0);
  assert.deepEqual(bench.errors, []);
}

async function openSession(socket: Socket, cover: (typeof COVERS)[number]): Promise<RawSmtp> {
  if (cover === "STARTTLS") await askForTls(socket);
  if (cover === "in clear") {
    const smtp = new RawSmtp(socket);
    await smtp.reply();
    return smtp;
  }
  const client = connectTls({ socket, rejectUnauthorized: false });
  const smtp = new RawSmtp(client);
  await once(client, "secureConnect");
  if (cover === "implicit TLS") await smtp.reply();
  return smtp;
}

const WAYS: Readonly<Record<string, (look: Look) => Promise<unknown>>> = {
  "is reset": async ({ socket }) => {
    socket.resetAndDestroy();
    await once(socket, "close");
  },
  ends: async ({ smtp }) => {
    smtp.socket.end();
    await once(smtp.socket, "finish");
  },
  "is closed": async ({ smtp }) => {
    smtp.socket.destroy();
    await once(smtp.socket, "close");
  },
};

for (const cover of COVERS)
  for (const [verb, ending] of Object.entries(ENDINGS)) {
    for (const [how, leave] of Object.entries(WAYS))
      test(`a client that leaves while its mail is looked at has sent nothing: ${cover}, ${verb}, ${how}`, async () => {
        await whileLookedAt(cover, ending, {
          act: async (look) => {
            const { bench, speak } = look;
            await leave(look);
            speak();
            const table = bench.connections;
            await waitFor({ what: "its place", ...WAIT }, () => table.total() === 0);
            assert.equal(bench.intake.mails.length, 0);
          },
        });
      });

    test(`a mail that is still looked at when all must end has not come: ${cover}, ${verb}`, async () => {
      await whileLookedAt(cover, ending, {
        act: async ({ bench, smtp, speak }) => {
          await bench.endpoint.stop(0);
          assert.equal(await smtp.reply(), undefined);
          speak();
          for (let turns = 0; turns < 5; turns++) await nextTurn();
          assert.equal(bench.intake.mails.length, 0);
        },
      });
    });

    test(`a client that goes on speaking meanwhile gets all its answers in order: ${cover}, ${verb}`, async () => {
      await whileLookedAt(cover, ending, {
        act: async ({ bench, smtp, speak }) => {
          for (const line of ["NOOP", "VRFY alice", "MAIL FROM:<a@b.example>"]) smtp.write(`${line}\r\n`);
          // The end of its side behind all that it says takes nothing back.
          smtp.socket.end("QUIT\r\n");
          await once(smtp.socket, "finish");
          speak();
          const codes: (number | undefined)[] = [];
          for (let n = 0; n < 5; n++) codes.push((await smtp.reply())?.code);
          assert.deepEqual(codes, [250, 250, 252, 250, 221]);
          assert.deepEqual(
            bench.intake.mails.map(({ body }) => body.toString()),
            [BODY],
          );
        },
      });
    });

    test(`what came with the end of the body waits for its turn: ${cover}, ${verb}`, async () => {
      await whileLookedAt(cover, ending, {
        more: "NOOP\r\nQUIT\r\n",
        act: async ({ bench, smtp, speak }) => {
          smtp.socket.end();
          await once(smtp.socket, "finish");
          speak();
          const codes: (number | undefined)[] = [];
          for (let n = 0; n < 3; n++) codes.push((await smtp.reply())?.code);
          assert.deepEqual(codes, [250, 250, 221]);
          assert.equal(bench.intake.mails.length, 1);
        },
      });
    });
  }

for (const [verb, ending] of Object.entries(ENDINGS))
  test(`a client that a stop cuts off while its mail is looked at is no error: ${verb}`, async () => {
    await whileLookedAt("in clear", ending, {
      act: async ({ bench, speak }) => {
        await bench.endpoint.stop(0);
        await waitFor({ what: "its place", ...WAIT }, () => bench.connections.total() === 0);
        speak();
        await nextTurn();
        assert.equal(bench.intake.mails.length, 0);
      },
    });
  });
