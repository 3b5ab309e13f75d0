import assert from "node:assert/strict";
import { test } from "node:test";
import { mailNamed } from "../fixtures/mails.ts";
import { fakePrimary } from "../support/fake-primary.ts";
import { freePort } from "../support/free-port.ts";
import { sendTestMail } from "../support/raw-smtp.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { runOn } from "../support/tool-bench.ts";
import { waitFor } from "../support/wait.ts";

const WAIT = { deadline: 20_000, every: 50 };
const DOMAIN = "example.test";

test("mail for a dead primary can be rerouted to another host and back, and a pause ends by itself", async () => {
  await using folder = await tempFolder();
  await using other = await fakePrimary({ onRcpt: () => "450 4.2.1 not yet" });
  const [primaryPort] = [await freePort()];
  await using daemon = await ResidentDaemon.start({
    folder: folder.path,
    primaryPort,
    smtp: { greetDelay: "0s" },
  });
  const holdfast = async (...words: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runOn(daemon.socket, words);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  for (let mails = 0; mails < 3; mails++)
    assert.equal((await sendTestMail(daemon.smtpPort, mailNamed("plain"), DOMAIN)).code, 250);
  const place = `127.0.0.1:${other.port}`;
  const rerouted = await holdfast("queue", "reroute", "--domain", DOMAIN, "--to", place);
  assert.equal(rerouted, "3 recipients rerouted, due at once.\n");
  await waitFor({ what: "the other host is asked", ...WAIT }, () =>
    other.commands.some((line) => line.startsWith("RCPT")),
  );
  await waitFor({ what: "all have been put off there", ...WAIT }, async () =>
    /^Queue: +3 waiting$/m.test(await holdfast("domain", "show", DOMAIN)),
  );
  const listed = JSON.parse(await holdfast("queue", "list", "--domain", DOMAIN, "--json")).items;
  assert.deepEqual(
    listed.map(({ domain, route }: Record<string, string>) => [domain, route]),
    Array.from({ length: 3 }, () => [DOMAIN, place]),
  );
  // Two of them go on there; the third waits for its own primary again.
  const { id } = listed[0];
  await holdfast("queue", "reroute", id, "--to", "primary");
  other.behaviour.onRcpt = () => undefined;
  await holdfast("queue", "flush", "--domain", DOMAIN);
  await waitFor({ what: "two mails are at the other host", ...WAIT }, () => other.mails.length === 2);
  await using primary = await fakePrimary({ port: primaryPort });
  await waitFor({ what: "one is at the primary", ...WAIT }, () => primary.mails.length === 1);
  assert.equal(other.mails.length, 2);
  await waitFor({ what: "the queue is empty", ...WAIT }, async () => (await daemon.held()) === 0);

  await holdfast("domain", "pause", DOMAIN, "--until", "2h");
  assert.equal((await sendTestMail(daemon.smtpPort, mailNamed("plain"), DOMAIN)).code, 250);
  assert.match(await holdfast("domain", "show", DOMAIN), /^State: +paused until /m);
  assert.equal(await daemon.held(), 1);
  daemon.pass(2 * 3_600_000 + 10_000);
  await waitFor({ what: "the pause has ended", ...WAIT }, () => primary.mails.length === 2);
  assert.match(await holdfast("domain", "show", DOMAIN), /^State: +active$/m);
  await waitFor({ what: "the other host is asked no more", ...WAIT }, async () => {
    const { primaries } = await daemon.status();
    return primaries.every(({ destination }) => destination === `127.0.0.1:${primaryPort}`);
  });
});
