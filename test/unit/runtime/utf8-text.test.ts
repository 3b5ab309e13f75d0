import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8Text } from "../../../src/runtime/utf8-text.ts";

test("only UTF-8 is decoded, and a byte order mark is removed", () => {
  assert.equal(utf8Text(Buffer.from("\ufeffj\u00f6rg\n")), "j\u00f6rg\n");
  assert.equal(utf8Text(Buffer.from("")), "");
  assert.equal(utf8Text(Buffer.from("j\xf6rg", "latin1")), undefined);
  assert.equal(utf8Text(Buffer.from([0x61, 0xe2, 0x82])), undefined, "cut in the middle of a character");
});
