import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { describe, test } from "node:test";
import fc from "fast-check";
import { connect as connectTls } from "node:tls";
import { ManualClock } from "../../../support/manual-clock.ts";
import { RawSmtp } from "../../../support/raw-smtp.ts";
import { startBench, type Bench } from "../../../support/smtp-bench.ts";
import { LIMITS, SETTINGS } from "../../../support/smtp-settings.ts";
import { makeCertificate, testMaterial } from "../../../support/test-certificate.ts";
import { waitFor } from "../../../support/wait.ts";
import { PLAIN_FALSE_ENDS } from "../../../support/smuggling.ts";

const SOON = { what: "the state", deadline: 20_000, every: 2 };

function dial(bench: Bench): RawSmtp {
  return new RawSmtp(connect(bench.port, "127.0.0.1"));
}

async function greeted(bench: Bench): Promise<RawSmtp> {
  const smtp = dial(bench);
  assert.equal((await smtp.reply())?.code, 220);
  return smtp;
}

async function line(smtp: RawSmtp): Promise<string | undefined> {
  return (await smtp.reply())?.lines.at(-1);
}

/** Speaks up to and with DATA. */
async function upToData(smtp: RawSmtp, recipient = "alice@our.test"): Promise<void> {
  for (const command of ["EHLO c.example", "MAIL FROM:<a@b.example>", `RCPT TO:<${recipient}>`])
    assert.equal((await smtp.command(command))?.code, 250);
  assert.equal((await smtp.command("DATA"))?.code, 354);
}

async function inData(bench: Bench, recipient?: string): Promise<RawSmtp> {
  const smtp = await greeted(bench);
  await upToData(smtp, recipient);
  return smtp;
}

/** What was written before has been read by the server: its loop has since answered somebody else. */
async function settled(bench: Bench): Promise<void> {
  for (let round = 0; round < 3; round++) (await greeted(bench)).close();
}

const SEQUENCES = [...PLAIN_FALSE_ENDS, "\r\n\r.\r\n"];

describe("smuggling over TCP", () => {
  for (const [recipient, wanted] of [
    ["alice@our.test", 250],
    ["alice@strict.test", 550],
  ] as const) {
    test(`no malformed end ends a body for ${recipient}`, async () => {
      await using bench = await startBench();
      for (const sequence of SEQUENCES) {
        const smtp = await inData(bench, recipient);
        const text = `Subject: x\r\n\r\na${sequence}MAIL FROM:<s@evil.test>\r\n.\r\nNOOP\r\n`;
        for (const octet of Buffer.from(text, "latin1")) {
          smtp.write(Buffer.from([octet]));
          await new Promise(setImmediate);
        }
        const code = sequence.includes("\0") ? 550 : wanted;
        assert.equal((await smtp.reply())?.code, code, JSON.stringify(sequence));
        assert.equal((await smtp.reply())?.code, 250);
        smtp.close();
      }
      const bodies = bench.intake.mails.map((mail) => mail.body.toString());
      assert.equal(bodies.length, wanted === 250 ? 10 : 0);
      assert.ok(bodies.every((body) => body.includes("MAIL FROM") && !/[^\r]\n|\r[^\n]/.test(body)));
      assert.equal(bench.intake.open.size, 0);
    });
  }
});

/** A conversation in chunks: what the client sends, and the codes that must come. */
const CHUNKED: readonly (readonly [string, number])[] = [
  ["EHLO c.example\r\n", 250],
  ["BDAT 6\r\nNOOP\r\n", 503],
  ["MAIL FROM:<a@b.example>\r\n", 250],
  ["BDAT 15 LAST\r\nRCPT TO:<a@b>\r\n", 503],
  ["MAIL FROM:<a@b.example>\r\n", 250],
  ["RCPT TO:<alice@our.test>\r\n", 250],
  ["BDAT 3\r\n\0\r\n", 550],
  ["BDAT 6 LAST\r\nQUIT\r\n", 550],
  ["MAIL FROM:<a@b.example>\r\n", 250],
  ["RCPT TO:<alice@our.test>\r\n", 250],
  ["BDAT 5\r\n.\r\n\r\n", 250],
  ["BDAT 0\r\n", 250],
  ["BDAT 6 LAST\r\nNOOP\r\n", 250],
  ["MAIL FROM:<a@b.example>\r\n", 250],
  ["RCPT TO:<alice@our.test>\r\n", 250],
  ["DATA\r\n", 354],
  ["BDAT 3\r\n.\r\n", 250],
  ["NOOP\r\n", 250],
];

describe("chunks over TCP", () => {
  const whole = Buffer.from(CHUNKED.map(([text]) => text).join(""));

  async function played(bench: Bench, cuts: readonly number[]): Promise<void> {
    const smtp = await greeted(bench);
    smtp.socket.setNoDelay(true);
    const before = bench.intake.mails.length;
    const places = [...cuts].sort((a, b) => a - b);
    for (const [index, from] of [0, ...places].entries()) {
      smtp.write(whole.subarray(from, places[index] ?? whole.length));
      await new Promise(setImmediate);
    }
    for (const [text, code] of CHUNKED) assert.equal((await smtp.reply())?.code, code, text);
    smtp.close();
    const bodies = bench.intake.mails.slice(before).map((mail) => mail.body.toString());
    assert.deepEqual(bodies, [".\r\n\r\nNOOP\r\n", "BDAT 3\r\n"]);
  }

  test("replies and bodies are the same wherever segments are cut", async () => {
    await using bench = await startBench();
    await played(bench, []);
    for (let cut = 1; cut < whole.length; cut++) await played(bench, [cut]);
    const some = fc.array(fc.integer({ min: 1, max: whole.length - 1 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(some, (cuts) => played(bench, cuts)),
      { numRuns: 60 },
    );
    assert.equal(bench.intake.open.size, 0);
  });

  test("a client that goes away between or within chunks leaves nothing", async () => {
    await using bench = await startBench();
    for (const end of ["BDAT 3\r\nabc", "BDAT 30\r\nabc", "BDAT 3\r\nabcBDAT 9 LAST\r\n"]) {
      const smtp = await greeted(bench);
      smtp.write(`EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice@our.test>\r\n${end}`);
      await waitFor(SOON, () => bench.intake.open.size === 1);
      smtp.close();
      await waitFor(SOON, () => bench.intake.open.size === 0);
    }
    assert.equal(bench.intake.mails.length, 0);
    assert.equal(bench.connections.total(), 0);
  });

  test("a body in small chunks is held to the rate of bodies, whatever lies between them", async () => {
    const clock = new ManualClock();
    await using bench = await startBench({ clock });
    const client = await greeted(bench);
    for (const command of ["EHLO c", "MAIL FROM:<a@b.example>", "RCPT TO:<alice@our.test>"])
      assert.equal((await client.command(command))?.code, 250);
    for (let chunk = 0; chunk < 3; chunk++) {
      client.write(`BDAT 1024\r\n${"x".repeat(1022)}\r\n`);
      assert.equal((await client.reply())?.code, 250);
      for (let second = 0; second < 25; second++) clock.advance(1000);
    }
    assert.match((await line(client)) ?? "", /^421 4\.4\.2 /);
    await waitFor(SOON, () => bench.intake.open.size === 0);
  });

  test("silence within a chunk, and a store that fails, end in 4xx", async () => {
    const clock = new ManualClock();
    await using bench = await startBench({ clock });
    const slow = await greeted(bench);
    slow.write("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice@our.test>\r\nBDAT 30\r\nabc");
    for (let replies = 0; replies < 3; replies++) await slow.reply();
    await waitFor(SOON, () => bench.intake.open.size === 1);
    for (let second = 0; second < 181; second++) clock.advance(1000);
    assert.match((await line(slow)) ?? "", /^421 4\.4\.2 /);
    const unlucky = await greeted(bench);
    bench.intake.onWrite = () => {
      throw new Error("no disk");
    };
    unlucky.write(
      "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice@our.test>\r\nBDAT 4\r\nRSETBDAT 0 LAST\r\nNOOP\r\n",
    );
    const codes: (number | undefined)[] = [];
    for (let replies = 0; replies < 6; replies++) codes.push((await unlucky.reply())?.code);
    // The last chunk's reply is the one that a client goes by: our trouble is no 503 there.
    assert.deepEqual(codes, [250, 250, 250, 451, 451, 250]);
    assert.equal(bench.intake.open.size, 0);
    unlucky.close();
  });
});

const header = (client: string): string => `PROXY TCP4 ${client} 127.0.0.1 40000 25\r\n`;

describe("behind a balancer", () => {
  const at = { address: "127.0.0.1", port: 0, tls: "starttls", proxy: ["127.0.0.1"] } as const;

  test("caps and journal are those of the client", async () => {
    await using bench = await startBench({
      settings: { listeners: [at] },
      limits: { connectionsPerClient: 2 },
    });
    const replies: (number | undefined)[] = [];
    const open: RawSmtp[] = [];
    for (const client of ["192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.1"]) {
      const smtp = dial(bench);
      open.push(smtp);
      smtp.write(header(client));
      replies.push((await smtp.reply())?.code);
    }
    assert.deepEqual(replies, [220, 220, 421, 220]);
    await open[3]?.command("NOPE");
    assert.deepEqual(
      bench.refusals().map(({ ip, reply }) => `${ip} ${reply.code}`),
      ["192.0.2.3 421", "198.51.100.1 500"],
    );
    for (const smtp of open) smtp.close();
    await waitFor(SOON, () => bench.connections.total() === 0);
    assert.equal(bench.connections.networks(), 0);
  });

  test("a header has ten seconds, a stop does not wait for it", async () => {
    const clock = new ManualClock();
    await using bench = await startBench({ clock, settings: { listeners: [at] } });
    const [slow, slower] = [dial(bench), dial(bench)];
    slow.write("PROXY TCP4 ");
    await waitFor(SOON, () => bench.connections.total() === 2);
    for (let second = 0; second < 5; second++) clock.advance(1000);
    const late = dial(bench);
    await waitFor(SOON, () => bench.connections.total() === 3);
    for (let second = 0; second < 5; second++) clock.advance(1000);
    assert.equal(await slow.reply(), undefined);
    assert.equal(await slower.reply(), undefined);
    await waitFor(SOON, () => bench.connections.total() === 1);
    await bench.endpoint.stop(0);
    assert.equal(await late.reply(), undefined);
    await waitFor(SOON, () => bench.connections.total() === 0);
  });

  test("TLS begins behind the header, in one segment with it too", async () => {
    const tls = await testMaterial();
    const listeners = [{ ...at, tls: "implicit" }] as const;
    await using bench = await startBench({ settings: { tls, listeners } });
    const front = createServer((socket) => {
      socket.once("data", (hello) => {
        const back = connect(bench.port, "127.0.0.1");
        back.write(Buffer.concat([Buffer.from(header("192.0.2.9")), hello]));
        socket.pipe(back).pipe(socket);
        back.on("error", () => socket.destroy());
        socket.on("error", () => back.destroy());
      });
    }).listen(0, "127.0.0.1");
    await once(front, "listening");
    const { port } = front.address() as AddressInfo;
    const smtp = new RawSmtp(connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false }));
    assert.equal((await smtp.reply())?.code, 220);
    await smtp.command("NOPE");
    assert.deepEqual(
      bench.refusals().map(({ ip }) => ip),
      ["192.0.2.9"],
    );
    smtp.close();
    front.close();
  });

  test("XCLIENT moves the connection to the client's count", async () => {
    const listeners = [{ ...at, proxy: [], xclient: ["127.0.0.1"] }] as const;
    await using bench = await startBench({ settings: { listeners }, limits: { connectionsPerClient: 1 } });
    const codes: (number | undefined)[] = [];
    const open = [await greeted(bench), await greeted(bench)];
    for (const smtp of open) codes.push((await smtp.command("XCLIENT ADDR=192.0.2.1"))?.code);
    assert.deepEqual(codes, [220, 421]);
    assert.equal(await open[1]?.reply(), undefined);
    await open[0]?.command("NOPE");
    assert.deepEqual(
      bench.refusals().map(({ ip, reply }) => `${ip} ${reply.code}`),
      ["192.0.2.1 421", "192.0.2.1 500"],
    );
    open[0]?.close();
    await waitFor(SOON, () => bench.connections.total() === 0);
  });

  test("what a trusted peer does for others, or for itself, is not held to the limits of a client", async () => {
    const listeners = [at, { ...at, proxy: [], xclient: ["127.0.0.1"] }] as const;
    await using bench = await startBench({
      clock: new ManualClock(),
      settings: { listeners, rates: { period: 600_000, connections: 1 } },
      limits: { connectionsPerClient: 1 },
    });
    const [, { port = 0 } = {}] = bench.endpoint.addresses;
    const codes: (number | undefined)[] = [];
    for (const [to, words] of [
      [bench.port, "PROXY UNKNOWN"],
      [bench.port, "PROXY UNKNOWN"],
      [port, "XCLIENT ADDR=[UNAVAILABLE]"],
      [port, "XCLIENT NAME=c.example"],
      [port, "XCLIENT ADDR=192.0.2.1"],
      [port, "XCLIENT ADDR=192.0.2.2"],
    ] as const) {
      const smtp = new RawSmtp(connect(to, "127.0.0.1"));
      if (to === port) assert.equal((await smtp.reply())?.code, 220, words);
      codes.push((await smtp.command(words))?.code);
    }
    assert.deepEqual(codes, [220, 220, 220, 220, 220, 421], "one client of its network, and no peer of ours");
  });
});

describe("stress", () => {
  test("whoever holds a place without use gives it back sooner while places are short", async () => {
    const clock = new ManualClock();
    const limits = { connections: 10, connectionsPerClient: 100 };
    await using bench = await startBench({ clock, limits });
    const table = bench.connections;
    const calm = await greeted(bench);
    for (let second = 0; second < 60; second++) clock.advance(1000);
    assert.equal((await calm.command("NOOP"))?.code, 250);
    const idle = await Promise.all(Array.from({ length: 6 }, () => greeted(bench)));
    const sender = await greeted(bench);
    await upToData(sender);
    assert.equal(table.total(), 8);
    clock.advance(1000);
    // A twentieth of ten places is one, and it is taken.
    assert.match((await line(dial(bench))) ?? "", /^421 4\.7\.0 Too many connections from your network/);
    for (let second = 0; second < 11; second++) clock.advance(1000);
    for (const smtp of [calm, ...idle]) assert.match((await line(smtp)) ?? "", /^421 4\.4\.2 /);
    await waitFor(SOON, () => table.total() === 1);
    sender.write("Subject: x\r\n\r\nx\r\n.\r\n");
    assert.equal((await sender.reply())?.code, 250);
    clock.advance(1000);
    const late = await greeted(bench);
    for (let second = 0; second < 60; second++) clock.advance(1000);
    assert.equal((await late.command("NOOP"))?.code, 250);
    late.close();
    sender.close();
  });
});

describe("memory", () => {
  test("once it is used up, nobody new is served, and whoever is there goes on", async () => {
    const clock = new ManualClock();
    await using bench = await startBench({ clock });
    const sender = await greeted(bench);
    bench.endpoint.apply({ ...bench.settings, limits: { ...LIMITS, memory: 1 } });
    clock.advance(1000);
    assert.match((await line(dial(bench))) ?? "", /^421 4\.7\.0 Too many connections, try again later/);
    await upToData(sender);
    sender.write("Subject: x\r\n\r\nx\r\n.\r\n");
    assert.equal((await sender.reply())?.code, 250);
    bench.endpoint.apply({ ...bench.settings, limits: LIMITS });
    clock.advance(1000);
    (await greeted(bench)).close();
    sender.close();
  });

  test("that cannot be told, because no file can be opened any more, counts as used up", async (t) => {
    const clock = new ManualClock();
    await using bench = await startBench({ clock });
    const sender = await greeted(bench);
    const rss = t.mock.method(process.memoryUsage, "rss", () => {
      throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
    });
    clock.advance(1000);
    assert.match((await line(dial(bench))) ?? "", /^421 4\.7\.0 Too many connections, try again later/);
    assert.equal((await sender.command("NOOP"))?.code, 250);
    rss.mock.restore();
    clock.advance(1000);
    (await greeted(bench)).close();
    sender.close();
  });
});

describe("time", () => {
  test("who speaks before the greeting is cut off", async () => {
    const clock = new ManualClock();
    await using bench = await startBench({ clock, settings: { greetDelay: 100 } });
    const early = dial(bench);
    early.write("EHLO early\r\n");
    assert.match((await line(early)) ?? "", /^421 4\.7\.0 /);
    const patient = dial(bench);
    await waitFor(SOON, () => bench.connections.total() > 0);
    await once(patient.socket, "connect");
    await waitFor(SOON, () => {
      clock.advance(100);
      return patient.socket.bytesRead > 0;
    });
    assert.equal((await patient.reply())?.code, 220);
    patient.close();
  });

  test("who leaves, or is cut off, before the greeting has made no connection that counts", async () => {
    const clock = new ManualClock();
    const rates = { period: 600_000, connections: 1 };
    await using bench = await startBench({ clock, settings: { greetDelay: 100, rates } });
    const early = dial(bench);
    early.write("EHLO early\r\n");
    assert.match((await line(early)) ?? "", /^421 4\.7\.0 /);
    assert.equal(await early.reply(), undefined);
    const hasty = dial(bench);
    await waitFor(SOON, () => bench.connections.total() === 1);
    hasty.close();
    await waitFor(SOON, () => bench.connections.total() === 0);
    clock.advance(100);
    const patient = dial(bench);
    await waitFor(SOON, () => bench.connections.total() === 1);
    clock.advance(100);
    assert.equal((await patient.reply())?.code, 220);
    patient.close();
  });

  test("who delivered a mail is greeted at once from then on", async () => {
    const clock = new ManualClock();
    await using bench = await startBench({ clock, settings: { greetDelay: 100 } });
    const first = dial(bench);
    await waitFor(SOON, () => {
      clock.advance(100);
      return first.socket.bytesRead > 0;
    });
    assert.equal((await first.reply())?.code, 220);
    const stranger = dial(bench);
    await waitFor(SOON, () => bench.connections.total() === 2);
    await upToData(first);
    first.write("Subject: x\r\n\r\nx\r\n.\r\n");
    assert.equal((await first.reply())?.code, 250);
    const second = dial(bench);
    assert.equal((await second.reply())?.code, 220);
    assert.equal(stranger.socket.bytesRead, 0);
    for (const client of [first, second, stranger]) client.close();
  });

  test("networks that the operator names are greeted at once", async () => {
    const settings = { greetDelay: 100, greetAtOnce: ["2001:db8::/32", "127.0.0.0/8"] };
    await using bench = await startBench({ clock: new ManualClock(), settings });
    const client = dial(bench);
    assert.equal((await client.reply())?.code, 220);
    client.close();
  });

  test("octets of a command do not extend the time for it", async () => {
    const clock = new ManualClock();
    await using bench = await startBench({ clock });
    const slow = await greeted(bench);
    for (const octet of "NOOP ") {
      slow.write(octet);
      await settled(bench);
      clock.advance(59_000);
    }
    assert.equal(bench.refusals().length, 0);
    clock.advance(6000);
    assert.match((await line(slow)) ?? "", /^421 4\.4\.2 /);
    assert.equal(await slow.reply(), undefined);
  });

  test("silence within a body ends it, and nothing is kept", async () => {
    const clock = new ManualClock();
    await using bench = await startBench({ clock });
    const smtp = await inData(bench);
    smtp.write("Subject: x\r\n");
    await waitFor(SOON, () => [...bench.intake.open].some((body) => body.size > 0));
    clock.advance(59_000);
    assert.equal(bench.intake.open.size, 1);
    clock.advance(130_000);
    assert.match((await line(smtp)) ?? "", /^421 4\.4\.2 /);
    assert.equal(bench.intake.open.size, 0);
  });

  test("a trickling body ends after a minute", async () => {
    const clock = new ManualClock();
    await using bench = await startBench({ clock });
    const smtp = await inData(bench);
    for (let size = 10; size <= 40; size += 10) {
      smtp.write("x".repeat(10));
      await waitFor(SOON, () => [...bench.intake.open].some((body) => body.size >= size));
      clock.advance(14_000);
    }
    assert.equal(bench.intake.open.size, 1);
    clock.advance(10_000);
    assert.match((await line(smtp)) ?? "", /^421 4\.4\.2 /);
  });

  test("a body above the least rate goes on", async () => {
    const clock = new ManualClock();
    await using bench = await startBench({ clock });
    const smtp = await inData(bench);
    for (let round = 1; round <= 10; round++) {
      smtp.write(`${"x".repeat(30)}\r\n`.repeat(1000));
      await waitFor(SOON, () => [...bench.intake.open].some((body) => body.size >= round * 32_000));
      clock.advance(50_000);
    }
    smtp.write(".\r\n");
    assert.equal((await smtp.reply())?.code, 250);
    smtp.close();
  });

  for (const [words, begin, end] of [
    ["body", "DATA\r\n", ".\r\n"],
    ["chunk", "BDAT 3\r\n", "BDAT 0 LAST\r\n"],
  ] as const)
    test(`a ${words} that the disk held up is not taken for one that trickles`, async () => {
      const clock = new ManualClock();
      await using bench = await startBench({ clock });
      const held = Promise.withResolvers<void>();
      bench.intake.onWrite = () => held.promise;
      const smtp = await greeted(bench);
      for (const command of ["EHLO c.example", "MAIL FROM:<a@b.example>", "RCPT TO:<alice@our.test>"])
        assert.equal((await smtp.command(command))?.code, 250);
      smtp.write(begin);
      if (words === "body") assert.equal((await smtp.reply())?.code, 354);
      smtp.write("x\r\n");
      await waitFor(SOON, () => [...bench.intake.open].some((body) => body.size > 0));
      clock.advance(120_000);
      bench.intake.onWrite = () => undefined;
      held.resolve();
      if (words === "chunk") assert.equal((await smtp.reply())?.code, 250);
      await settled(bench);
      clock.advance(2000);
      smtp.write(end);
      assert.equal((await smtp.reply())?.code, 250);
      assert.equal(bench.refusals().length, 0);
      smtp.close();
    });

  test("who waits for us is never cut off", async () => {
    const clock = new ManualClock();
    await using bench = await startBench({ clock });
    const stored = Promise.withResolvers<void>();
    bench.intake.onAccept = () => stored.promise;
    const smtp = await inData(bench);
    smtp.write("x\r\n.\r\n");
    await settled(bench);
    clock.advance(3_600_000);
    stored.resolve();
    assert.equal((await smtp.reply())?.code, 250);
    smtp.close();
  });

  test("a jump of the clock cuts nobody off", async () => {
    const clock = new ManualClock();
    await using bench = await startBench({ clock });
    const smtp = await greeted(bench);
    const now = clock.now();
    clock.now = () => now + 3 * 86_400_000;
    clock.advance(1000);
    assert.equal((await smtp.command("NOOP"))?.code, 250);
    smtp.close();
  });
});

function broken(): never {
  throw new Error("disk");
}

describe("the store", () => {
  for (const [why, wanted] of [
    ["full", /^452 4\.3\.1 /],
    ["sick", /^451 4\.3\.0 /],
    ["late", /^451 4\.3\.0 /],
    ["row", /^451 4\.3\.0 /],
  ] as const) {
    test(`refuses: ${why}`, async () => {
      await using bench = await startBench();
      bench.intake.answer = { kind: "refused", why };
      const smtp = await inData(bench);
      smtp.write("x\r\n.\r\n");
      assert.match((await line(smtp)) ?? "", wanted);
      assert.equal(bench.intake.open.size, 0);
      smtp.close();
    });
  }

  test("breaks at every place: 451 or 452, never 5xx, and the connection lives", async () => {
    await using bench = await startBench();
    const { intake } = bench;
    const places: (() => void)[] = [
      () => (intake.onWrite = broken),
      () => (intake.onWrite = () => Promise.reject(new Error("disk"))),
      () => (intake.onAccept = broken),
      () => (intake.onAccept = () => Promise.reject(new Error("disk"))),
    ];
    const smtp = await greeted(bench);
    for (const breakIt of places) {
      breakIt();
      await upToData(smtp);
      smtp.write("x\r\n.\r\n");
      assert.match((await line(smtp)) ?? "", /^451 4\.3\.0 /);
      intake.onWrite = () => undefined;
      intake.onAccept = () => Promise.resolve();
      assert.equal(intake.open.size, 0);
    }
    intake.onWrite = () => {
      intake.state = "full";
      return Promise.reject(new Error("ENOSPC"));
    };
    await upToData(smtp);
    smtp.write("x\r\n.\r\n");
    assert.match((await line(smtp)) ?? "", /^452 4\.3\.1 /);
    assert.equal(intake.mails.length, 0);
    smtp.close();
  });

  test("cannot open a body: 451 instead of 354", async () => {
    await using bench = await startBench();
    bench.intake.openBody = () => {
      throw new Error("disk");
    };
    const smtp = await greeted(bench);
    for (const command of ["EHLO c", "MAIL FROM:<>", "RCPT TO:<alice@our.test>"]) await smtp.command(command);
    assert.equal((await smtp.command("DATA"))?.code, 451);
    assert.equal((await smtp.command("DATA"))?.code, 503);
    smtp.close();
  });

  test("slows the client down to its own pace", async () => {
    await using bench = await startBench({ settings: { maxMessageSize: 100e6 } });
    let release: (() => void) | undefined;
    let writes = 0;
    bench.intake.onWrite = () => {
      writes += 1;
      return new Promise((resolve) => (release = resolve));
    };
    const smtp = await inData(bench);
    const text = Buffer.alloc(8_000_000, `${"x".repeat(78)}\r\n`);
    smtp.write(Buffer.concat([text, Buffer.from(".\r\n")]));
    await waitFor(SOON, () => writes === 1);
    await settled(bench);
    assert.equal(writes, 1);
    bench.intake.onWrite = () => undefined;
    release?.();
    assert.equal((await smtp.reply())?.code, 250);
    assert.ok(bench.intake.mails[0]?.body.equals(text));
    smtp.close();
  });

  test("keeps nothing of a client that goes away within its body", async () => {
    await using bench = await startBench();
    const smtp = await inData(bench);
    smtp.write("half a mail\r\n");
    await waitFor(SOON, () => [...bench.intake.open].some((body) => body.size > 0));
    smtp.close();
    await waitFor(SOON, () => bench.intake.open.size === 0);
    assert.equal(bench.intake.mails.length, 0);
  });
});

describe("floods", () => {
  test("50,000 NOOPs are answered a hundred times", async () => {
    await using bench = await startBench();
    const smtp = await greeted(bench);
    smtp.write("NOOP\r\n".repeat(50_000));
    let last: string | undefined;
    let replies = 0;
    for (let next = await line(smtp); next !== undefined; next = await line(smtp)) {
      last = next;
      replies += 1;
    }
    assert.equal(replies, 101);
    assert.match(last ?? "", /^421 4\.7\.0 /);
  });

  test("a line without end is cut off", async () => {
    await using bench = await startBench();
    const smtp = await greeted(bench);
    smtp.write(Buffer.alloc(1_000_000, "x"));
    assert.match((await line(smtp)) ?? "", /^421 4\.7\.0 /);
  });

  test("connections of one network are capped, and every place comes back", async () => {
    const tls = await testMaterial();
    await using bench = await startBench({ limits: { connectionsPerClient: 2 }, settings: { tls } });
    const table = bench.connections;
    const [one, two] = [await greeted(bench), await greeted(bench)];
    const three = dial(bench);
    assert.match((await line(three)) ?? "", /^421 4\.7\.0 /);
    assert.deepEqual(bench.refusals()[0]?.stage, "connect");
    one.close();
    await waitFor(SOON, () => table.total() === 1);
    const four = await greeted(bench);
    await four.command("STARTTLS");
    four.socket.write("no handshake at all");
    await waitFor(SOON, () => table.total() === 1);
    await two.quit();
    await waitFor(SOON, () => table.total() === 0);
  });

  test("connections are capped in all", async () => {
    await using bench = await startBench({ limits: { connections: 1 } });
    const one = await greeted(bench);
    assert.match((await line(dial(bench))) ?? "", /^421 4\.7\.0 /);
    one.close();
  });

  test("places of failed and of never-ending TLS handshakes come back", async () => {
    const clock = new ManualClock();
    const listeners = [{ address: "127.0.0.1", port: 0, tls: "implicit" as const }];
    await using bench = await startBench({ clock, settings: { tls: await testMaterial(), listeners } });
    const table = bench.connections;
    const failing = connect(bench.port, "127.0.0.1");
    failing.on("error", () => {});
    failing.write("EHLO plain\r\n");
    await once(failing, "close");
    const silent = connect(bench.port, "127.0.0.1");
    silent.on("error", () => {});
    await waitFor(SOON, () => table.total() === 1);
    clock.advance(61_000);
    await once(silent, "close");
    await waitFor(SOON, () => table.total() === 0);
    const left = connect(bench.port, "127.0.0.1");
    left.on("error", () => {});
    await waitFor(SOON, () => table.total() === 1);
    await bench.endpoint.stop(0);
    await once(left, "close");
    await waitFor(SOON, () => table.total() === 0);
  });
});

describe("TLS", () => {
  test("a client of another protocol gets no handshake", async () => {
    const tls = await testMaterial();
    const listeners = [{ address: "127.0.0.1", port: 0, tls: "implicit" }] as const;
    await using bench = await startBench({ settings: { tls, listeners } });
    const shake = async (ALPNProtocols: string[]): Promise<string> => {
      const options = { port: bench.port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols };
      const socket = connectTls(options);
      const refused = once(socket, "error").then(([error]) => (error as NodeJS.ErrnoException).code);
      const agreed = once(socket, "secureConnect").then(() => String(socket.alpnProtocol));
      const end = await Promise.race([refused, agreed.catch(() => refused)]);
      socket.on("error", () => {});
      socket.destroy();
      return end ?? "";
    };
    assert.equal(await shake(["h2", "http/1.1"]), "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
    assert.equal(await shake(["http/1.1", "smtp"]), "smtp");
    const starttls = await startBench({ settings: { tls } });
    const smtp = await greeted(starttls);
    await smtp.command("EHLO c");
    assert.equal((await smtp.command("STARTTLS"))?.code, 220);
    smtp.socket.removeAllListeners("data");
    const inner = connectTls({ socket: smtp.socket, rejectUnauthorized: false, ALPNProtocols: ["imap"] });
    const [error] = await once(inner, "error");
    assert.match(String(error), /no application protocol/i);
    smtp.close();
    await starttls[Symbol.asyncDispose]();
  });

  test("plaintext behind STARTTLS is never run", async () => {
    await using bench = await startBench({ settings: { tls: await testMaterial() } });
    const smtp = await greeted(bench);
    await smtp.command("EHLO c");
    smtp.write("STARTTLS\r\nNOPE\r\nEHLO injected\r\nMAIL FROM:<>\r\n");
    assert.equal((await smtp.reply())?.code, 220);
    smtp.socket.removeAllListeners("data");
    const secure = connectTls({ socket: smtp.socket, rejectUnauthorized: false });
    await once(secure, "secureConnect");
    const inside = new RawSmtp(secure);
    assert.deepEqual(bench.refusals(), []);
    assert.equal((await inside.command("MAIL FROM:<>"))?.code, 503);
    inside.close();
  });

  test("handshakes that never end are ended, by time and by stopping", async () => {
    const clock = new ManualClock();
    await using bench = await startBench({ clock, settings: { tls: await testMaterial() } });
    const table = bench.connections;
    const hanging = async (): Promise<RawSmtp> => {
      const smtp = await greeted(bench);
      assert.equal((await smtp.command("STARTTLS"))?.code, 220);
      smtp.socket.write(Buffer.from([0x16, 0x03, 0x01]));
      return smtp;
    };
    const first = await hanging();
    await settled(bench);
    clock.advance(61_000);
    assert.equal(await first.reply(), undefined);
    const second = await hanging();
    await bench.endpoint.stop(0);
    assert.equal(await second.reply(), undefined);
    await waitFor(SOON, () => table.total() === 0);
  });

  test("refuses protocols before 1.2", async () => {
    await using bench = await startBench({ settings: { tls: await testMaterial() } });
    const smtp = await greeted(bench);
    await smtp.command("STARTTLS");
    smtp.socket.removeAllListeners("data");
    const secure = connectTls({
      socket: smtp.socket,
      rejectUnauthorized: false,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    await assert.rejects(once(secure, "secureConnect"));
  });

  test("a new certificate is shown to new handshakes", async () => {
    const fresh = [{ ...(await makeCertificate("fresh.us")), names: [] }];
    await using bench = await startBench({ settings: { tls: await testMaterial() } });
    const shown = async (): Promise<string> => {
      const smtp = await greeted(bench);
      await smtp.command("STARTTLS");
      smtp.socket.removeAllListeners("data");
      const secure = connectTls({ socket: smtp.socket, rejectUnauthorized: false });
      await once(secure, "secureConnect");
      const name = secure.getPeerCertificate().subject.CN;
      secure.destroy();
      return String(name);
    };
    assert.equal(await shown(), "mx.us");
    const nonsense = [{ certificate: "x", key: "y", names: [] }];
    assert.throws(() => bench.endpoint.check({ ...bench.settings, tls: nonsense }));
    bench.endpoint.check({ ...bench.settings, tls: fresh });
    bench.endpoint.apply({ ...bench.settings, tls: fresh });
    assert.equal(await shown(), "fresh.us");
  });
});

describe("settings and stopping", () => {
  test("a transaction keeps the settings that it began with", async () => {
    await using bench = await startBench();
    const running = await inData(bench);
    bench.endpoint.apply({ ...bench.settings, maxMessageSize: 10 });
    running.write(`${"x".repeat(100)}\r\n.\r\n`);
    assert.equal((await running.reply())?.code, 250);
    await upToData(running);
    running.write(`${"x".repeat(15)}\r\n.\r\n`);
    assert.equal((await running.reply())?.code, 552);
    running.close();
  });

  test("stop: 421 for the idle at once, bodies under way have their time", async () => {
    await using bench = await startBench();
    const idle = await greeted(bench);
    const working = await inData(bench);
    const stopped = bench.endpoint.stop(20_000);
    assert.match((await line(idle)) ?? "", /^421 4\.3\.2 /);
    await assert.rejects(once(connect(bench.port, "127.0.0.1"), "connect"));
    working.write("x\r\n.\r\n");
    assert.equal((await working.reply())?.code, 250);
    assert.match((await line(working)) ?? "", /^421 4\.3\.2 /);
    await stopped;
    assert.equal(bench.intake.mails.length, 1);
  });

  test("stop: who is not through in time is cut off", async () => {
    await using bench = await startBench();
    const working = await inData(bench);
    await bench.endpoint.stop(30);
    assert.match((await line(working)) ?? "", /^421 4\.3\.2 /);
    assert.equal(bench.intake.open.size, 0);
  });

  test("stop: a wall clock that is set back gives nobody more time", async () => {
    const clock = new ManualClock();
    await using bench = await startBench({ clock });
    const working = await inData(bench);
    const stopped = bench.endpoint.stop(1000);
    clock.set(-3_600_000);
    for (let polls = 0; polls < 60; polls++) {
      await new Promise(setImmediate);
      clock.advance(20);
    }
    assert.equal(bench.intake.open.size, 0);
    assert.match((await line(working)) ?? "", /^421 4\.3\.2 /);
    await stopped;
  });

  test("an address that is taken is named, and no listener stays open", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const listeners = [...SETTINGS.listeners, { address: "127.0.0.1", port, tls: "starttls" as const }];
    await assert.rejects(
      startBench({ settings: { listeners } }),
      new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}`),
    );
    other.close();
  });
});

describe("pipelining", () => {
  test("the answers to commands of one packet leave as one", async () => {
    await using bench = await startBench();
    const smtp = await greeted(bench);
    const chunks: number[] = [];
    smtp.socket.on("data", (chunk) => chunks.push(String(chunk).split("\r\n").length - 1));
    smtp.write("EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@our.test>\r\nDATA\r\n");
    for (const code of [250, 250, 250, 354]) assert.equal((await smtp.reply())?.code, code);
    assert.equal(chunks.length, 1);
    smtp.close();
  });

  test("who pipelines without reading is not read on", async () => {
    await using bench = await startBench({ limits: { commands: 1e9, commandsWithoutMail: 1e9 } });
    const smtp = await greeted(bench);
    smtp.socket.pause();
    const lines = Buffer.from("EHLO c.example\r\n".repeat(4000));
    let taken = 0;
    while (smtp.socket.writableLength < 8 * lines.length && taken < 4000) {
      smtp.socket.write(lines);
      taken += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(taken < 4000, "the server reads and reads");
    smtp.socket.destroy();
  });
});

test("SMTPUTF8 goes along with mail that needs it, and with no other: nobody knows yet what its primary takes", async () => {
  await using bench = await startBench();
  const smtp = await greeted(bench);
  await smtp.command("EHLO c.example");
  const mails = [
    ["a@b.example", "alice@all.test", "Subject: x\r\n\r\n\u00fc"],
    ["a@b.example", "alice@all.test", "Subject: \u00fc\r\n\r\nx"],
    ["\u00fc@b.example", "alice@all.test", "Subject: x"],
    ["a@b.example", "\u00fc@all.test", "Subject: x"],
    ["a@b.example", "alice@all.test> ORCPT=utf-8;\u00fc@all.test <", "Subject: x"],
  ] as const;
  for (const [sender, recipient, text] of mails) {
    const rcpt = `RCPT TO:<${recipient}>`.replace(" <>", "");
    for (const command of [`MAIL FROM:<${sender}> SMTPUTF8`, rcpt, "DATA"])
      assert.ok(((await smtp.command(command))?.code ?? 500) < 400, command);
    assert.equal((await smtp.command(`${text}\r\n.`))?.code, 250);
  }
  assert.deepEqual(
    bench.intake.mails.map(({ smtpUtf8 }) => smtpUtf8),
    [false, true, true, true, true],
  );
  await smtp.quit();
});
