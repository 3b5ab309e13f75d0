import assert from "node:assert/strict";
import { test } from "node:test";
import { isPermanent, isPositive, parseReply } from "../../../src/mail/reply.ts";

test("the last line of a reply says its code, and only 5xx is for good", () => {
  assert.equal(parseReply("250-first\r\n550 5.1.1 last").code, 550);
  assert.equal(parseReply("550-5.1.1 first\r\n250 last\r\n").code, 250);
  for (const nonsense of ["", "hello", "5500 x", "650 x", "199 x", "550x", "550 first\r\nnonsense"])
    assert.equal(parseReply(nonsense).code, 451, nonsense);
  const judged = [199, 200, 399, 400, 499, 500, 599, 600].map((code) => {
    const answer = { code, text: "" };
    return `${code} ${isPositive(answer)} ${isPermanent(answer)}`;
  });
  assert.deepEqual(judged, [
    "199 false false",
    "200 true false",
    "399 true false",
    "400 false false",
    "499 false false",
    "500 false true",
    "599 false true",
    "600 false false",
  ]);
});
