import assert from "node:assert/strict";
import { test } from "node:test";
import { rcptReply } from "../support/rcpt.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";

const rcpt = async (daemon: ResidentDaemon): Promise<string> =>
  (await rcptReply(daemon.smtpPort, "alice@example.test")).slice(0, 3);

test("greylisting works across SMTP threads and remembers clients over a restart", async () => {
  await using folder = await tempFolder();
  const settings = { checks: { greylist: { delay: "1s" } } };
  const smtp = { threads: 2, greetDelay: "0s" };
  const plan = { folder: folder.path, primaryPort: 9, settings, smtp };
  {
    await using daemon = await ResidentDaemon.start(plan);
    assert.equal(await rcpt(daemon), "451");
    const wait = { what: "the client is let in", deadline: 20_000, every: 100 };
    await waitFor(wait, async () => (await rcpt(daemon)) === "250");
  }
  await using daemon = await ResidentDaemon.start(plan);
  for (let n = 0; n < 4; n++) assert.equal(await rcpt(daemon), "250");
});
