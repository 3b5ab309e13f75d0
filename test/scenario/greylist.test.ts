import assert from "node:assert/strict";
import { test } from "node:test";
import { openSmtp } from "../support/raw-smtp.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";

async function rcpt(daemon: ResidentDaemon): Promise<number> {
  const smtp = await openSmtp(daemon.smtpPort);
  await smtp?.command("EHLO client.test");
  await smtp?.command("MAIL FROM:<a@client.test>");
  const reply = await smtp?.command("RCPT TO:<alice@example.test>");
  smtp?.close();
  return reply?.code ?? 0;
}

test("a client is put off by one thread, let in by another, and known after a restart", async () => {
  await using folder = await tempFolder();
  const settings = { checks: { greylist: { delay: "1s" } } };
  const smtp = { threads: 2, greetDelay: "0s" };
  const plan = { folder: folder.path, primaryPort: 9, settings, smtp };
  {
    await using daemon = await ResidentDaemon.start(plan);
    assert.equal(await rcpt(daemon), 451);
    const wait = { what: "the client is let in", deadline: 20_000, every: 100 };
    await waitFor(wait, async () => (await rcpt(daemon)) === 250);
  }
  await using daemon = await ResidentDaemon.start(plan);
  for (let n = 0; n < 4; n++) assert.equal(await rcpt(daemon), 250);
});
