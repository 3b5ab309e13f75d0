/** The load sender, the sink and the checker against each other, before they judge anybody else. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { mails } from "../fixtures/mails.ts";
import { Ledger } from "../prove/checker.ts";
import { createLoad, type LoadPlan } from "./load.ts";
import { openSmtp, sendTestMail } from "./raw-smtp.ts";
import { openSink, type Sink } from "./sink.ts";

function plan(sink: Sink, ledger: Ledger): LoadPlan {
  return {
    port: sink.port,
    domain: "example.test",
    recipients: ["alice", "bob", "carol"],
    seed: 7,
    sessions: 5,
    size: 3000,
    maxRecipients: 3,
    ledger,
  };
}

async function hashesOfOneRun(): Promise<string[]> {
  await using sink = await openSink();
  await createLoad({ ...plan(sink, new Ledger()), sessions: 1 }).send(20);
  return sink.mails.map((mail) => mail.hash);
}

test("everything that the load sends arrives at the sink once and unaltered", async () => {
  await using sink = await openSink();
  const ledger = new Ledger();
  await createLoad(plan(sink, ledger)).send(300);
  for (const mail of sink.mails) ledger.sink(mail);
  const { counts, failures } = ledger.check();
  assert.deepEqual(failures, []);
  assert.equal(counts.offered, 300);
  assert.equal(counts.acked, 300);
});

test("the same seed makes the same mails", async () => {
  assert.deepEqual(await hashesOfOneRun(), await hashesOfOneRun());
});

test("if a sink dies, mails in flight are of unknown fate, and the load goes on with the next sink", async () => {
  const ledger = new Ledger();
  const first = await openSink();
  const stop = new AbortController();
  const load = createLoad({ ...plan(first, ledger), sessions: 20 });
  const taken: string[] = [];
  const done = load.sendUntil(stop.signal);
  await new Promise<void>((resolve) => {
    first.onMail((mail) => {
      taken.push(mail.proofId ?? "");
      if (taken.length === 200) resolve();
    });
  });
  await first.close();
  await using second = await openSink(first.port);
  await new Promise<void>((resolve) => {
    second.onMail(() => second.mails.length === 100 && resolve());
  });
  stop.abort();
  await done;
  for (const mail of [...first.mails, ...second.mails]) ledger.sink(mail);
  const { counts, failures } = ledger.check();
  assert.deepEqual(failures, []);
  assert.equal(counts.offered, counts.acked + counts.nacked + counts.unknown);
});

test("the corpus passes through the raw client and the sink unchanged", async () => {
  await using sink = await openSink();
  for (const mail of mails(200_000)) {
    await sendTestMail(sink.port, mail, "example.test");
    const arrived = sink.mails.at(-1);
    assert.equal(arrived?.hash, createHash("sha256").update(mail.body).digest("hex"), mail.name);
  }
});

test("the sink finds the end of a body wherever the chunks are cut, with commands after it", async () => {
  await using sink = await openSink();
  const body = "X-Proof-Id: cut\r\n\r\n..\r\n.\r\nNOOP\r\n";
  for (let at = 0; at <= body.length; at++) {
    const smtp = await openSmtp(sink.port);
    assert.ok(smtp !== undefined);
    for (const command of ["EHLO a", "MAIL FROM:<>", "RCPT TO:<a@b>", "DATA"]) await smtp.command(command);
    smtp.write(body.slice(0, at));
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    smtp.write(body.slice(at));
    assert.equal((await smtp.reply())?.code, 250, `cut at ${at}`);
    assert.equal((await smtp.reply())?.code, 250, `NOOP behind, cut at ${at}`);
    smtp.close();
    assert.equal(sink.mails.at(-1)?.size, "X-Proof-Id: cut\r\n\r\n.\r\n".length);
  }
});

test("the sink reads the id that the last relay assigned", async () => {
  await using sink = await openSink();
  const received =
    "Received: from a (b [192.0.2.1])\r\n\tby mx.example with ESMTPS id 4abc-1\r\n\tfor <x@y>; Thu, 1 Jan 2026 00:00:00 +0000\r\nReceived: by z id older\r\n";
  const body = Buffer.from(`${received}X-Proof-Id: 1\r\nMessage-ID: <m@x>\r\n\r\ntext\r\n`);
  await sendTestMail(
    sink.port,
    { name: "traced", body, sender: "", recipients: ["a"], flags: { eightBit: false, smtpUtf8: false } },
    "b",
  );
  const [mail] = sink.mails;
  assert.deepEqual(
    [mail?.queueId, mail?.proofId, mail?.messageId, mail?.recipients],
    ["4abc-1", "1", "<m@x>", ["a@b"]],
  );
});
