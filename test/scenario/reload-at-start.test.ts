/** A reload while threads start: once it has answered, they work by what it read. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { AdminClient } from "../support/admin-client.ts";
import { openSmtp } from "../support/raw-smtp.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { watchThreads } from "../support/thread-watch.ts";
import { waitFor } from "../support/wait.ts";

test("a thread that starts during a reload uses the new configuration", async () => {
  using threads = watchThreads();
  await using folder = await tempFolder();
  const smtp = { greetDelay: "0s", threads: 1, maxMessageSize: "50MB" };
  const starting = ResidentDaemon.start({ folder: folder.path, primaryPort: 9, smtp });
  const begins = { what: "the SMTP thread begins", deadline: 20_000, every: 1 };
  await waitFor(begins, () => threads.named("smtp-1").length > 0);
  const file = join(folder.path, "holdfast.yaml");
  await writeFile(file, (await readFile(file, "utf8")).replace('"50MB"', '"20MB"'));
  const admin = new AdminClient(join(folder.path, "data", "admin.sock"));
  assert.partialDeepStrictEqual(await admin.api("POST", "/v1/reload"), { ok: true });
  await using daemon = await starting;
  const client = await openSmtp(daemon.smtpPort);
  const offers = await client?.command("EHLO c.example");
  client?.close();
  assert.match(offers?.lines.join() ?? "", /SIZE 20000000/);
});
