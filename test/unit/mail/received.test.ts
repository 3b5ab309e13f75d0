import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { heloName, mailDate, receivedField, type Reception } from "../../../src/mail/received.ts";

const RECEPTION: Reception = {
  ip: "192.0.2.1",
  helo: "client.example",
  extended: true,
  smtpUtf8: false,
  by: "mx.us",
  id: "0abc",
  at: Date.UTC(2026, 10, 1, 3, 4, 5),
};

function protocol(changes: Partial<Reception>): string | undefined {
  return / with (\S+)/.exec(receivedField({ ...RECEPTION, ...changes }))?.[1];
}

describe("receivedField", () => {
  test("is one folded field", () => {
    const field = receivedField({
      ...RECEPTION,
      tls: "TLSv1.3 TLS_AES_256_GCM_SHA384",
      recipient: "a@our.test",
    });
    assert.equal(
      field,
      "Received: from client.example ([192.0.2.1])\r\n\tby mx.us (Holdfast) with ESMTPS id 0abc\r\n" +
        "\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n\tfor <a@our.test>;\r\n\tSun, 1 Nov 2026 03:04:05 +0000\r\n",
    );
  });

  test("names the protocol", () => {
    assert.equal(protocol({}), "ESMTP");
    assert.equal(protocol({ extended: false }), "SMTP");
    assert.equal(protocol({ smtpUtf8: true }), "UTF8SMTP");
    assert.equal(protocol({ smtpUtf8: true, tls: "TLSv1.2 X" }), "UTF8SMTPS");
  });

  test("writes IPv6 as a literal", () => {
    assert.match(receivedField({ ...RECEPTION, ip: "2001:db8::1" }), /\(\[IPv6:2001:db8::1\]\)/);
  });

  test("a hostile HELO stays within its line", () => {
    for (const helo of [
      "a\r\nX: y",
      "a\0b",
      "(",
      "a b",
      "\x1b[0m",
      "x".repeat(5000),
      "\ud800",
      "[1.2.3.4]x",
      "",
    ]) {
      const [first, ...others] = receivedField({ ...RECEPTION, helo }).split("\r\n");
      assert.match(first ?? "", /^Received: from [A-Za-z0-9._:[\]?-]{1,255} \(\[192\.0\.2\.1\]\)$/);
      assert.equal(others.length, 3);
    }
  });
});

test("heloName keeps domains and literals", () => {
  assert.equal(heloName("mail.example"), "mail.example");
  assert.equal(heloName("[192.0.2.7]"), "[192.0.2.7]");
  assert.equal(heloName("[IPv6:2001:db8::7]"), "[IPv6:2001:db8::7]");
  assert.equal(heloName(""), "unknown");
});

test("mailDate is UTC", () => {
  assert.equal(mailDate(0), "Thu, 1 Jan 1970 00:00:00 +0000");
});
