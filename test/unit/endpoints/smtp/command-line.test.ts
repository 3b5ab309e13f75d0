import assert from "node:assert/strict";
import { test } from "node:test";
import { isOtherProtocol, readLine, verbOf } from "../../../../src/endpoints/smtp/command-line.ts";

test("a line is text: UTF-8 without a control character, and a tab is a blank", () => {
  assert.equal(readLine(Buffer.from("")), "");
  assert.equal(readLine(Buffer.from("MAIL\tFROM:<>\tSIZE=1")), "MAIL FROM:<> SIZE=1");
  assert.equal(
    readLine(Buffer.from("RCPT TO:<\u00fc@b\u00fccher.example>")),
    "RCPT TO:<\u00fc@b\u00fccher.example>",
  );
  for (let code = 0; code < 0xa0; code++) {
    const control = (code < 0x20 && code !== 0x09) || code >= 0x7f;
    for (const text of ["NOOP ", "NOOP \u00fc"]) {
      const line = text + String.fromCharCode(code);
      assert.equal(readLine(Buffer.from(line)) === undefined, control, JSON.stringify(line));
    }
  }
  for (const octets of ["c328", "ff", "eda080", "c080"])
    assert.equal(readLine(Buffer.from(`4e${octets}`, "hex")), undefined, octets);
});

test("a verb is letters of ASCII before the first blank, in any case", () => {
  assert.deepEqual(
    ["mail FROM:<>", "Quit", "DATA ", " NOOP", "", "__proto__", "BDAT5", "MA\u0130L x", "RCPT:x"].map(verbOf),
    ["MAIL", "QUIT", "DATA", "", "", "", "", "", ""],
  );
});

test("requests of other protocols are told from commands", () => {
  for (const line of [
    "GET / HTTP/1.1",
    "post / HTTP/1.0",
    "CONNECT a.test:25",
    "PRI * HTTP/2",
    "HEAD",
    "X / HTTP/3",
    "INVITE sip:a@b SIP/2.0",
    "DESCRIBE rtsp://x RTSP/1.0",
    "SSH-2.0-x",
  ])
    assert.ok(isOtherProtocol(line), line);
  for (const line of ["GETX", "X SSH-2.0", "XHTTP/1.1", "NOOP HTTP/1.1 x", "X SIP/2.0.1", "Subject: GET", ""])
    assert.ok(!isOtherProtocol(line), line);
});
