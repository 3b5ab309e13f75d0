import assert from "node:assert/strict";
import { test } from "node:test";
import { mailNamed } from "../fixtures/mails.ts";
import { sendTestMail } from "../support/raw-smtp.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";

const WAIT = { deadline: 20_000, every: 50 };

test("a domain over its quota defers senders, and accepts mail again when enough of its mail has left", async () => {
  await using folder = await tempFolder();
  const domainSettings = { recipients: { catchAll: true }, quota: { messages: 3 } };
  await using daemon = await ResidentDaemon.start({
    folder: folder.path,
    primaryPort: 9,
    domainSettings,
    smtp: { threads: 2, greetDelay: "0s" },
  });
  const send = (): Promise<string> =>
    sendTestMail(daemon.smtpPort, mailNamed("plain"), "example.test").then(
      ({ lines }) => lines.join(" "),
      (refused: unknown) => String(refused),
    );
  const told = async (expected: RegExp): Promise<void> => {
    await waitFor({ what: `a sender is told ${expected}`, ...WAIT }, async () => expected.test(await send()));
  };
  for (let mails = 0; mails < 3; mails++) assert.match(await send(), /^250 /);
  await told(/ 452 4\.2\.2 Too much mail for this domain/);
  await waitFor({ what: "the log says so", ...WAIT }, async () =>
    daemon.output().includes('"quota.reached"'),
  );
  await daemon.api("POST", "/v1/queue/actions", { verb: "delete", filter: {}, all: true });
  await told(/^250 /);
});
