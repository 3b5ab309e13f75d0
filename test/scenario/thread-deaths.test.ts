/** Threads die: the one that reads for people and those that serve clients live again, without the store nothing does. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { mailNamed } from "../fixtures/mails.ts";
import { RawSmtp, sendTestMail } from "../support/raw-smtp.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { watchThreads } from "../support/thread-watch.ts";
import { waitFor } from "../support/wait.ts";

const WAIT = { deadline: 20_000, every: 20 };

test("the death of a thread affects only the work that it had in hand", async () => {
  using threads = watchThreads();
  await using folder = await tempFolder();
  const plan = { folder: folder.path, primaryPort: 9, smtp: { greetDelay: "0s", threads: 1 } };
  const daemon = await ResidentDaemon.start(plan);
  // Without its storage it does not end in order.
  await using _ = { [Symbol.asyncDispose]: () => daemon.stop().catch(() => undefined) };
  const [reader, smtp, storage] = ["reader", "smtp-1", "storage"].map((name) => threads.named(name)[0]);
  const held = (): Promise<number> => daemon.held().catch(() => -1);

  await reader?.terminate();
  await sendTestMail(daemon.smtpPort, mailNamed("plain"), "example.test");
  await waitFor({ what: "another reader", ...WAIT }, async () => (await held()) === 1);

  const client = new RawSmtp(connect(daemon.smtpPort, "127.0.0.1"));
  await client.reply();
  for (const line of ["EHLO c.example", "MAIL FROM:<a@b.example>", "RCPT TO:<alice@example.test>", "DATA"])
    assert.ok(((await client.command(line))?.code ?? 500) < 400);
  client.write("Subject: half\r\n\r\n");
  await smtp?.terminate();
  assert.equal(await client.reply(), undefined, "its clients are cut off without a word");
  await waitFor({ what: "another door", ...WAIT }, () =>
    sendTestMail(daemon.smtpPort, mailNamed("plain"), "example.test").catch(() => undefined),
  );
  await waitFor({ what: "its places", ...WAIT }, async () => (await daemon.status()).connections === 0);
  assert.equal(await held(), 2, "the half mail is none");

  await storage?.terminate();
  await daemon.broken;
  await waitFor({ what: "the log says why", ...WAIT }, () =>
    daemon.output().includes("the storage thread has ended, so the daemon ends"),
  );
});
