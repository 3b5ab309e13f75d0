import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { smtpClient } from "../../../../src/adapters/smtp-client/smtp-client.ts";
import type { ClaimedMail } from "../../../../src/ports/queue.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { fakePrimary } from "../../../support/fake-primary.ts";

const BODY = Buffer.from("Subject: x\r\n\r\nhi\r\n");
const MAIL: ClaimedMail = {
  id: "m1",
  token: 1,
  domain: "a.test",
  sender: "s@b.test",
  recipients: [
    {
      n: 0,
      address: "x@a.test",
      attempts: 0,
      unconfirmed: 0,
      notify: "SUCCESS,DELAY",
      orcpt: "rfc822;o+2Bx@a.test",
    },
    { n: 1, address: "y@a.test", attempts: 0, unconfirmed: 0, notify: "NEVER" },
    { n: 2, address: "z@a.test", attempts: 0, unconfirmed: 0 },
  ],
  acceptedAt: 0,
  client: { ip: "192.0.2.1", helo: "c.test" },
  topFields: "",
  smtpUtf8: false,
  eightBit: false,
  dsn: { ret: "HDRS", envid: "QQ+2B1" },
  size: BODY.length,
  body: { size: BODY.length, read: () => BODY, digest: () => undefined },
};

async function lines(extensions: readonly string[], mail = MAIL) {
  await using primary = await fakePrimary({ extensions });
  const client = smtpClient({ hostname: "mx2.test", clock: systemClock() });
  const target = { host: "127.0.0.1", ip: "127.0.0.1", port: primary.port, tls: "none" } as const;
  const conversation = await client.converse(target);
  const { dsn, outcomes } = await conversation.send(mail);
  await conversation.quit();
  assert.equal(outcomes.size, mail.recipients.length);
  return { dsn, said: primary.commands.filter((line) => /^(?:MAIL|RCPT)/.test(line)) };
}

describe("what a sender asks of notices", () => {
  for (const extensions of [["DSN"], ["PIPELINING", "DSN"], ["PIPELINING", "CHUNKING", "DSN"]])
    test(`goes along as it came: ${extensions.join(", ")}`, async () => {
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

  test("stays here where the primary offers no DSN", async () => {
    assert.deepEqual(await lines(["PIPELINING", "DSNX"]), {
      dsn: false,
      said: ["MAIL FROM:<s@b.test>", "RCPT TO:<x@a.test>", "RCPT TO:<y@a.test>", "RCPT TO:<z@a.test>"],
    });
  });

  test("nothing was asked: nothing goes along", async () => {
    const { dsn: _, ...plain } = MAIL;
    const recipients = [{ n: 0, address: "z@a.test", attempts: 0, unconfirmed: 0 }];
    const { said } = await lines(["DSN"], { ...plain, recipients });
    assert.deepEqual(said, ["MAIL FROM:<s@b.test>", "RCPT TO:<z@a.test>"]);
  });
});
