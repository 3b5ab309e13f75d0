import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { smtpClient } from "../../../../src/adapters/smtp-client/smtp-client.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { claimedMail } from "../../../support/claimed-mail.ts";
import { fakePrimary } from "../../../support/fake-primary.ts";
import { targetAt } from "../../../support/primary-conversation.ts";

const MAIL = claimedMail({
  sender: "s@b.test",
  to: [
    { address: "x@a.test", notify: "SUCCESS,DELAY", orcpt: "rfc822;o+2Bx@a.test" },
    { address: "y@a.test", notify: "NEVER" },
    { address: "z@a.test" },
  ],
  dsn: { ret: "HDRS", envid: "QQ+2B1" },
});

async function lines(extensions: readonly string[], mail = MAIL) {
  await using primary = await fakePrimary({ extensions });
  const client = smtpClient({ hostname: "mx2.test", clock: systemClock() });
  const conversation = await client.converse(targetAt(primary.port));
  const { dsn, outcomes } = await conversation.send(mail);
  await conversation.quit();
  assert.equal(outcomes.size, mail.recipients.length);
  return { dsn, said: primary.commands.filter((line) => /^(?:MAIL|RCPT)/.test(line)) };
}

describe("a sender's DSN request", () => {
  for (const extensions of [["DSN"], ["PIPELINING", "DSN"], ["PIPELINING", "CHUNKING", "DSN"]])
    test(`is passed on as received: ${extensions.join(", ")}`, async () => {
      assert.deepEqual(await lines(extensions), {
        dsn: true,
        said: [
          "MAIL FROM:<s@b.test> RET=HDRS ENVID=QQ+2B1",
          "RCPT TO:<x@a.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o+2Bx@a.test",
          "RCPT TO:<y@a.test> NOTIFY=NEVER",
          "RCPT TO:<z@a.test>",
        ],
      });
    });

  test("follows the SIZE of the mail", async () => {
    const { said } = await lines(["SIZE", "DSN"]);
    assert.match(said[0] ?? "", /^MAIL FROM:<s@b\.test> SIZE=\d+ RET=HDRS ENVID=QQ\+2B1$/);
  });

  test("is not passed on to a primary that offers no DSN", async () => {
    assert.deepEqual(await lines(["PIPELINING", "DSNX"]), {
      dsn: false,
      said: ["MAIL FROM:<s@b.test>", "RCPT TO:<x@a.test>", "RCPT TO:<y@a.test>", "RCPT TO:<z@a.test>"],
    });
  });

  test("adds no parameter if there is none", async () => {
    const { dsn: _, ...plain } = MAIL;
    const recipients = [{ n: 0, address: "z@a.test", attempts: 0, unconfirmed: 0 }];
    const { said } = await lines(["DSN"], { ...plain, recipients });
    assert.deepEqual(said, ["MAIL FROM:<s@b.test>", "RCPT TO:<z@a.test>"]);
  });
});
