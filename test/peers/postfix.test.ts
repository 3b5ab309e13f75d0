/** A real Postfix as the primary: what is sent to it is read back from its maildir, octet for octet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dkimVerify } from "../fixtures/dkim.ts";
import { mailNamed, mails } from "../fixtures/mails.ts";
import { freePort } from "../support/free-port.ts";
import { sendTestMail } from "../support/raw-smtp.ts";
import { skipWithout } from "./peers.ts";
import { asReceived, MENDED_BY_POSTFIX, Postfix, primarySettings } from "./postfix.ts";
import { runSwaks } from "./swaks.ts";

const DOMAIN = "example.test";

async function startPrimary(): Promise<Postfix> {
  return Postfix.start({ port: await freePort(), settings: primarySettings(DOMAIN) });
}

test(
  "one mail by swaks reaches the maildir of a real Postfix",
  { skip: skipWithout("postfix", "swaks") },
  async () => {
    await using postfix = await startPrimary();
    const { body } = mailNamed("dkim-signed");
    const result = await runSwaks({
      port: postfix.port,
      from: "ann@sender.example",
      to: [`alice@${DOMAIN}`],
      content: body,
    });
    assert.equal(result.exitCode, 0, result.transcript);
    const [file = Buffer.alloc(0)] = await postfix.untilDelivered(1);
    assert.match(
      file.toString("latin1"),
      /^Return-Path: <ann@sender.example>\nX-Original-To: alice@example.test\n/,
    );
    assert.ok(dkimVerify(asReceived(file)), "the signature still verifies");
    assert.equal(await postfix.queued(), 0);
  },
);

test("the corpus passes through Postfix unchanged", { skip: skipWithout("postfix") }, async () => {
  await using postfix = await startPrimary();
  const sent = mails(200_000);
  for (const mail of sent) {
    const reply = await sendTestMail(postfix.port, { ...mail, recipients: ["alice"] }, DOMAIN);
    assert.equal(reply.code, 250, `${mail.name}: ${reply.lines.join(" ")}`);
  }
  const files = await postfix.untilDelivered(sent.length);
  const back = new Set(files.map((file) => asReceived(file).toString("latin1")));
  const changed = sent.filter((mail) => !back.has(mail.body.toString("latin1"))).map((mail) => mail.name);
  assert.deepEqual(changed.toSorted(), MENDED_BY_POSTFIX);
});
