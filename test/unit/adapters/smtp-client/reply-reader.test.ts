import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reply } from "../../../../src/mail/reply.ts";
import { MAX_REPLY, NotSmtp, ReplyReader } from "../../../../src/adapters/smtp-client/reply-reader.ts";

function read(text: string, size: number, replies: Reply[] = []): readonly Reply[] {
  const reader = new ReplyReader();
  const octets = Buffer.from(text);
  for (let i = 0; i < octets.length; i += size)
    reader.push(octets.subarray(i, i + size), (reply) => void replies.push(reply));
  return replies;
}

test("replies are the same however their octets are cut", () => {
  const text =
    "250-first\r\n250-second\r\n250 last\r\n550 5.1.1 weg: gehört nicht hierher\r\n354 go\n220\r\n";
  const whole = read(text, 1000);
  assert.deepEqual(whole, [
    { code: 250, text: "first second last" },
    { code: 550, enhanced: "5.1.1", text: "weg: gehört nicht hierher" },
    { code: 354, text: "go" },
    { code: 220, text: "" },
  ]);
  for (const size of [1, 2, 3, 7]) assert.deepEqual(read(text, size), whole);
});

test("octets that are not UTF-8 are read as Latin-1", () => {
  const texts: string[] = [];
  new ReplyReader().push(Buffer.from("550 f\xfcr\r\n", "latin1"), ({ text }) => void texts.push(text));
  assert.deepEqual(texts, ["für"]);
});

test("replies before a line that is no reply are passed on", () => {
  const replies: Reply[] = [];
  assert.throws(
    () => read("250 queued as 1\r\n250-more\r\nhello\r\n250 no more\r\n", 1000, replies),
    NotSmtp,
  );
  assert.deepEqual(replies, [{ code: 250, text: "queued as 1" }]);
});

test("a line that is no reply, and a reply beyond the limit, are errors", () => {
  for (const text of ["hello\r\n", "25 ok\r\n", "999 no\r\n", "250x\r\n", "\r\n"])
    assert.throws(() => read(text, 1000), NotSmtp, text);
  assert.throws(() => read("2".repeat(MAX_REPLY + 1), 5000), NotSmtp);
  assert.throws(() => read("250-more\r\n".repeat(MAX_REPLY), 5000), NotSmtp);
  assert.throws(() => read(`250-${"x".repeat(MAX_REPLY)}\r\n250 ok\r\n`, 10 * MAX_REPLY), NotSmtp);
});
