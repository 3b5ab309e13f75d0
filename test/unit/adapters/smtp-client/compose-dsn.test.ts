import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dsnComposer } from "../../../../src/adapters/smtp-client/smtp-client.ts";
import type { DsnDraft } from "../../../../src/ports/dsn.ts";

const DRAFT: DsnDraft = {
  hostname: "mx2.test",
  messageId: "<n1@mx2.test>",
  date: Date.UTC(2026, 0, 1, 13, 5),
  to: "ann@friend.test",
  subject: "Not delivered: your mail to bob@one.test",
  inReplyTo: "<1@friend.test>",
  text: "one\n\ntwo\n",
  perMessage: [["Reporting-MTA", "dns; mx2.test"]],
  perRecipient: [[["Action", "failed"]], [["Action", "failed"]]],
  utf8: false,
  returned: { whole: false, content: Buffer.from("Subject: hello\r\n"), utf8: false },
};

async function compose(changes: Partial<DsnDraft> = {}): Promise<string> {
  return (await dsnComposer.compose({ ...DRAFT, ...changes })).toString("utf8");
}

describe("a DSN as a message", () => {
  it("is multipart/report with text, report and header", async () => {
    const message = await compose();
    const boundary = /boundary="([^"]+)"/.exec(message)?.[1] ?? assert.fail("no boundary");
    const [head, ...parts] = message.split(`--${boundary}`);
    assert.equal(
      head?.replace(/boundary="[^"]+"/, "boundary=B"),
      [
        "From: Mail Delivery System <mailer-daemon@mx2.test>",
        "To: ann@friend.test",
        "Subject: Not delivered: your mail to bob@one.test",
        "Date: Thu, 1 Jan 2026 13:05:00 +0000",
        "Message-ID: <n1@mx2.test>",
        "In-Reply-To: <1@friend.test>",
        "References: <1@friend.test>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;",
        " boundary=B",
        "",
        "",
      ].join("\r\n"),
    );
    assert.deepEqual(parts, [
      "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\none\r\n\r\ntwo\r\n\r\n",
      "\r\nContent-Type: message/delivery-status\r\nContent-Transfer-Encoding: 7bit\r\n\r\n" +
        "Reporting-MTA: dns; mx2.test\r\n\r\nAction: failed\r\n\r\nAction: failed\r\n\r\n",
      "\r\nContent-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: 7bit\r\n\r\nSubject: hello\r\n\r\n",
      "--\r\n",
    ]);
  });

  it("has only LF after CR, and CR before LF, whatever is returned", async () => {
    const content = Buffer.from("Subject: x\nY: z\r\n\r\na\r\n.\r\n..b\r\n");
    const message = await compose({ returned: { whole: true, content, utf8: false } });
    assert.doesNotMatch(message, /[^\r]\n|\r[^\n]/);
    assert.match(message, /\r\n\r\nSubject: x\r\nY: z\r\n\r\na\r\n\.\r\n\.\.b\r\n/);
    assert.match(message, /Content-Type: message\/rfc822\r\n/);
  });

  it("returns eight-bit mail as it is, and says so", async () => {
    const content = Buffer.from("Subject: x\r\n\r\ngrün\r\n");
    const message = await compose({ returned: { whole: true, content, utf8: false } });
    assert.match(
      message,
      /message\/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: x\r\n\r\ngrün\r\n/,
    );
    const [head] = message.split("\r\n\r\n");
    assert.match(
      head ?? "",
      /^Content-Transfer-Encoding: 8bit\r$/m,
      "RFC 2045 §6.4: what holds such a part, too",
    );
  });

  it("speaks UTF-8 in parts of their own types, RFC 6533", async () => {
    const content = Buffer.from("Subject: grün\r\n");
    const message = await compose({
      utf8: true,
      to: "grå@friend.test",
      perRecipient: [[["Final-Recipient", "utf-8; bücher@one.test"]]],
      returned: { whole: false, content, utf8: true },
    });
    assert.match(message, /^To: grå@friend\.test\r$/m);
    assert.match(message, /message\/global-delivery-status\r\nContent-Transfer-Encoding: 8bit/);
    assert.match(message, /Final-Recipient: utf-8; bücher@one\.test\r\n/);
    assert.match(message, /message\/global-headers\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: grün/);
  });

  it("has two parts when the mail is gone", async () => {
    const { returned: _, ...rest } = DRAFT;
    const message = (await dsnComposer.compose(rest)).toString();
    assert.doesNotMatch(message, /rfc822/);
  });
});
