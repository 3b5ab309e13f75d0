import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { fakePrimary } from "../support/fake-primary.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";

test("ETRN starts the delivery of waiting mail; RCPT refuses mail that exceeds what the primary is then known to support", async () => {
  await using folder = await tempFolder();
  await using primary = await fakePrimary({ extensions: ["SIZE 70000"], onRcpt: () => "450 4.2.1 later" });
  await using daemon = await ResidentDaemon.start({ folder: folder.path, primaryPort: primary.port });
  const smtp = new RawSmtp(connect(daemon.smtpPort, "127.0.0.1"));
  await smtp.reply();
  for (const line of ["EHLO c.example", "MAIL FROM:<a@b.example>", "RCPT TO:<alice@example.test>"])
    assert.equal((await smtp.command(line))?.code, 250);
  smtp.write("BDAT 3 LAST\r\nx\r\n");
  assert.equal((await smtp.reply())?.code, 250);
  const deferred = async (): Promise<boolean> => {
    const asked = primary.commands.some((line) => line.startsWith("RCPT"));
    return asked && (await daemon.status()).mail["waiting"] === 1;
  };
  await waitFor({ what: "the first attempt", deadline: 10_000, every: 20 }, deferred);
  primary.behaviour.onRcpt = () => undefined;
  assert.equal((await smtp.command("ETRN example.test"))?.code, 250);
  const [mail] = await waitFor({ what: "the mail", deadline: 10_000, every: 20 }, () =>
    primary.mails.length > 0 ? primary.mails : undefined,
  );
  assert.match(mail?.data.toString() ?? "", /\r\nx\r\n$/);
  const answers = async (parameter: string, sender = "a@b.example"): Promise<string> => {
    await smtp.command("RSET");
    await smtp.command(`MAIL FROM:<${sender}> ${parameter}`);
    return (await smtp.command("RCPT TO:<alice@example.test>"))?.lines[0]?.slice(0, 9) ?? "";
  };
  const learned = async (): Promise<boolean> =>
    (await answers("SMTPUTF8", "\u00e4@b.example")) === "553 5.6.7";
  await waitFor({ what: "what the primary takes", deadline: 10_000, every: 100 }, learned);
  assert.equal(await answers("SMTPUTF8"), "250 2.1.5");
  await smtp.command("DATA");
  assert.equal((await smtp.command("y\r\n."))?.code, 250);
  await waitFor(
    { what: "what needs no SMTPUTF8", deadline: 10_000, every: 20 },
    () => primary.mails.length > 1,
  );
  assert.doesNotMatch(primary.mails[1]?.mailLine ?? "SMTPUTF8", /SMTPUTF8/);
  assert.equal(await answers("SIZE=70001"), "552 5.3.4");
  assert.equal(await answers("SIZE=1000"), "250 2.1.5");
  await smtp.quit();
});
