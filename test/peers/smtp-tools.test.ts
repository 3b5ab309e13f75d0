/** The drivers of smtp-source and smtp-sink against each other, and against our own sink. */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { freePort } from "../support/free-port.ts";
import { openSink } from "../support/sink.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { skipWithout } from "./peers.ts";
import { runSmtpSource, type SourcePlan } from "./smtp-source.ts";
import { SmtpSink } from "./smtp-sink.ts";

function plan(port: number): SourcePlan {
  return { port, sessions: 5, messages: 40, size: 500, from: "a@sender.example", to: "alice@example.test" };
}

const skip = skipWithout("smtp-source", "smtp-sink");

test("smtp-sink counts what smtp-source sends", { skip }, async () => {
  const port = await freePort();
  await using sink = await SmtpSink.start({ port });
  await runSmtpSource(plan(port));
  await sink.until(40, 10_000);
  assert.equal(sink.messages, 40);
  assert.ok(sink.times.first > 0 && sink.times.last >= sink.times.first);
});

test("smtp-sink dumps each mail into a file", { skip }, async () => {
  await using folder = await tempFolder();
  const port = await freePort();
  await using sink = await SmtpSink.start({ port, dump: folder.path });
  await runSmtpSource({ ...plan(port), reuse: true });
  await sink.until(40, 10_000);
  assert.equal((await readdir(folder.path)).length, 40);
});

test(
  "each mail of smtp-source has a Message-ID of its own, by which a sink tells doubles",
  { skip },
  async () => {
    await using sink = await openSink();
    await runSmtpSource(plan(sink.port));
    assert.equal(new Set(sink.mails.map((mail) => mail.messageId)).size, 40);
  },
);

test("a refusal rejects with the message of smtp-source", { skip }, async () => {
  const port = await freePort();
  await using _sink = await SmtpSink.start({ port, options: ["-r", "RCPT"] });
  await assert.rejects(runSmtpSource(plan(port)), /smtp-source ended with 1: .*450/s);
});
