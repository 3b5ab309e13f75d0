/** The operator touches the data folder of a daemon that runs. */
import assert from "node:assert/strict";
import { copyFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { mailNamed } from "../fixtures/mails.ts";
import { Daemon } from "../support/daemon.ts";
import { sendTestMail } from "../support/raw-smtp.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";

/** False: 451, or a daemon that has ended, which looks by itself each second. */
async function isTaken(port: number): Promise<boolean> {
  const { code } = await sendTestMail(port, mailNamed("plain"), "example.test").catch(() => ({ code: 451 }));
  assert.ok(code === 250 || code === 451, `${code}`);
  return code === 250;
}

test("if a backup is restored while the daemon runs, it accepts no mail into the old database and ends", async () => {
  await using folder = await tempFolder();
  const plan = { folder: folder.path, primaryPort: 9, smtp: { greetDelay: "0s", threads: 1 } };
  const daemon = await ResidentDaemon.start(plan);
  // Without its storage it does not end in order.
  await using _ = { [Symbol.asyncDispose]: () => daemon.stop().catch(() => undefined) };
  const send = (): Promise<boolean> => isTaken(daemon.smtpPort);
  const file = join(folder.path, "data", "queue.sqlite");
  await copyFile(file, `${file}.backup`);
  assert.equal(await send(), true);
  await rename(`${file}.backup`, file);
  assert.equal(await send(), false);
  await daemon.broken;
  const why = /queue\.sqlite was removed, renamed or replaced while the daemon ran; stop the daemon before/;
  await waitFor({ what: "the log says why", deadline: 20_000, every: 20 }, () => why.test(daemon.output()));
});

test("if the WAL is deleted while the daemon runs, it saves the mail in it, accepts no more and ends", async () => {
  await using folder = await tempFolder();
  const smtp = { greetDelay: "0s", threads: 1 };
  await using daemon = await Daemon.start({ folder: folder.path, primaryPort: 9, smtp });
  const send = (): Promise<boolean> => isTaken(daemon.smtpPort);
  assert.equal(await send(), true);
  await rm(join(folder.path, "data", "queue.sqlite-wal"));
  assert.equal(await send(), false);
  assert.equal(await daemon.ended, 1);
  assert.match(daemon.output(), /queue\.sqlite-wal was removed, renamed or replaced while the daemon ran/);
  await daemon.restart();
  assert.equal(await daemon.held(), 1);
});

test("if the WAL is replaced by a copy while the daemon is idle, the daemon notices and ends", async () => {
  await using folder = await tempFolder();
  const smtp = { greetDelay: "0s", threads: 1 };
  await using daemon = await Daemon.start({ folder: folder.path, primaryPort: 9, smtp });
  assert.equal(await isTaken(daemon.smtpPort), true);
  const wal = join(folder.path, "data", "queue.sqlite-wal");
  await copyFile(wal, `${wal}.copy`);
  await rename(`${wal}.copy`, wal);
  assert.equal(await daemon.ended, 1);
  assert.match(daemon.output(), /queue\.sqlite-wal was removed, renamed or replaced while the daemon ran/);
  await daemon.restart();
  assert.equal(await daemon.held(), 1);
});
