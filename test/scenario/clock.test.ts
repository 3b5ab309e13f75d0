import assert from "node:assert/strict";
import { readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { mailNamed } from "../fixtures/mails.ts";
import { ClockedDaemon } from "../support/clocked-daemon.ts";
import { fakePrimary } from "../support/fake-primary.ts";
import { freePort } from "../support/free-port.ts";
import { sendTestMail } from "../support/raw-smtp.ts";
import { rcptReply } from "../support/rcpt.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";

const WAIT = { deadline: 20_000, every: 50 };
const DOMAIN = "example.test";
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

async function start(folder: string, primaryPort: number): Promise<ResidentDaemon> {
  return ResidentDaemon.start({ folder, primaryPort, smtp: { greetDelay: "0s" } });
}

async function accept(daemon: ResidentDaemon, mails: number): Promise<void> {
  for (let sent = 0; sent < mails; sent++)
    assert.equal((await sendTestMail(daemon.smtpPort, mailNamed("plain"), DOMAIN)).code, 250);
}

test("if the clock is set back by an hour, the return of the primary is still noticed", async () => {
  await using folder = await tempFolder();
  const port = await freePort();
  await using daemon = await start(folder.path, port);
  await accept(daemon, 2);
  await daemon.primaryBecomes("down");
  daemon.setClock(-HOUR);
  await accept(daemon, 1);
  await using primary = await fakePrimary({ port });
  await waitFor({ what: "all mail is there", ...WAIT }, () => primary.mails.length === 3);
});

test("if the clock is set back by an hour, callouts continue at once", async () => {
  await using folder = await tempFolder();
  const exists = /^(user\d|postmaster)@/;
  await using primary = await fakePrimary({
    onRcpt: (recipient) => (exists.test(recipient) ? undefined : "550 5.1.1 no such user"),
  });
  const domainSettings = { recipients: { callout: true } };
  const options = { folder: folder.path, primaryPort: primary.port, domainSettings };
  await using daemon = await ResidentDaemon.start({ ...options, smtp: { greetDelay: "0s" } });
  await daemon.primaryBecomes("up");
  const asked = async (address: string): Promise<string> =>
    (await rcptReply(daemon.smtpPort, `${address}@${DOMAIN}`)).slice(0, 3);
  assert.deepEqual([await asked("user1"), await asked("nobody")], ["250", "550"]);
  daemon.setClock(-HOUR);
  assert.deepEqual([await asked("user2"), await asked("nobody")], ["250", "550"]);
});

test("if the clock is set back by a day, deferred mail is still retried", async () => {
  await using folder = await tempFolder();
  await using primary = await fakePrimary({ onRcpt: () => "450 4.2.1 not yet" });
  await using daemon = await start(folder.path, primary.port);
  await accept(daemon, 1);
  const asked = (): number => primary.commands.filter((line) => line.startsWith("RCPT")).length;
  await waitFor({ what: "it was put off", ...WAIT }, () => asked() === 1);
  await waitFor({ what: "it waits again", ...WAIT }, async () => (await daemon.status()).mail.waiting === 1);
  primary.behaviour.onRcpt = () => undefined;
  daemon.setClock(-DAY);
  daemon.pass(15_000);
  await waitFor({ what: "it is there", ...WAIT }, () => primary.mails.length === 1);
  await waitFor({ what: "it is told", ...WAIT }, () =>
    /"event":"clock\.set","by":-86\d{6}/.test(daemon.output()),
  );
});

/** Several turns of the job that ends what is too old. */
async function passTurns(daemon: ClockedDaemon): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    const before = daemon.now();
    daemon.pass(6 * 60_000);
    await waitFor({ what: "the threads have seen it", ...WAIT }, async () => {
      const [primary] = (await daemon.process.status()).primaries;
      return (primary?.lastProbe ?? 0) > before;
    });
  }
}

/** An hour later, in a folder that was written by the clock of the tests as by that of a real machine. */
async function startAgain(daemon: ClockedDaemon, folder: string): Promise<void> {
  assert.equal(await daemon.process.stop(), 0);
  const data = join(folder, "data");
  const written = new Date(daemon.now());
  for (const name of [".", ...(await readdir(data))]) await utimes(join(data, name), written, written);
  daemon.pass(HOUR);
  await daemon.process.restart();
}

test("if the clock leaps forward by mistake, no mail expires", async () => {
  await using folder = await tempFolder();
  const port = await freePort();
  await using daemon = await start(folder.path, port);
  await accept(daemon, 2);
  await daemon.primaryBecomes("down");
  daemon.setClock(40 * DAY);
  // Several turns of the job that ends what is too old.
  for (let turn = 0; turn < 3; turn++) {
    daemon.pass(6 * 60_000);
    const before = daemon.now();
    await waitFor({ what: "the threads have seen it", ...WAIT }, async () => {
      return ((await daemon.primary())?.lastProbe ?? 0) >= before;
    });
  }
  assert.equal((await daemon.status()).mail.waiting, 2);
  await waitFor({ what: "it is told", ...WAIT }, () => /"event":"clock\.set"/.test(daemon.output()));
  daemon.setClock(-40 * DAY);
  await using primary = await fakePrimary({ port });
  await waitFor({ what: "both are there", ...WAIT }, () => primary.mails.length === 2);
});

test("if the daemon starts with a clock that is ahead, no mail expires and the log says why", async () => {
  await using folder = await tempFolder();
  const port = await freePort();
  await using daemon = await ClockedDaemon.start({ folder: folder.path, primaryPort: port });
  const { smtpPort } = daemon.process;
  assert.equal((await sendTestMail(smtpPort, mailNamed("plain"), DOMAIN)).code, 250);
  assert.equal(await daemon.process.stop(), 0);
  daemon.setClock(40 * DAY);
  await daemon.process.restart();
  await startAgain(daemon, folder.path);
  const waiting = async (): Promise<unknown> => (await daemon.process.status()).mail["waiting"];
  await passTurns(daemon);
  assert.equal(await waiting(), 1);
  assert.match(daemon.process.output(), /"event":"clock\.doubted","unused":34\d{8}/);
  // The clock was right, and the machine was off for so long.
  daemon.pass(25 * HOUR);
  await waitFor({ what: "it is given up", ...WAIT }, async () => (await waiting()) === undefined);
});

test("a leap of the clock is remembered over a restart of the delivery thread within the day", async () => {
  await using folder = await tempFolder();
  await using daemon = await ClockedDaemon.start({ folder: folder.path, primaryPort: await freePort() });
  const { smtpPort } = daemon.process;
  assert.equal((await sendTestMail(smtpPort, mailNamed("plain"), DOMAIN)).code, 250);
  daemon.setClock(40 * DAY);
  daemon.pass(15_000);
  const leapTold = (): boolean => /"event":"clock\.set"/.test(daemon.process.output());
  await waitFor({ what: "the leap is told", ...WAIT }, leapTold);
  daemon.endThread("delivery");
  await passTurns(daemon);
  assert.equal((await daemon.process.status()).mail["waiting"], 1);
});

test("mail deferred while the clock was ahead does not wait until that time is reached", async () => {
  await using folder = await tempFolder();
  await using primary = await fakePrimary({ onRcpt: () => "450 4.2.1 not yet" });
  {
    await using ahead = await start(folder.path, primary.port);
    ahead.setClock(300 * DAY);
    await accept(ahead, 1);
    await waitFor({ what: "it was put off", ...WAIT }, async () => {
      const rcpt = primary.commands.some((line) => line.startsWith("RCPT"));
      return rcpt && (await ahead.status()).mail.waiting === 1;
    });
  }
  primary.behaviour.onRcpt = () => undefined;
  await using daemon = await start(folder.path, primary.port);
  // The first survey.
  daemon.pass(70_000);
  await waitFor({ what: "it is there", ...WAIT }, () => primary.mails.length === 1);
});
