import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeUnitext, decodeXtext, encodeXtext, isUnitext, isXtext } from "../../../src/mail/xtext.ts";

test("every text is the same after it was written as xtext and read again", () => {
  for (const text of ["plain", "a+b=c", "two words", "é€😀", "+2B", "\r\n\0", ""]) {
    const written = encodeXtext(text, 255);
    assert.ok(written === "" || isXtext(written), written);
    assert.equal(decodeXtext(written), text);
  }
});

test("a text that is too long is cut to its first octets", () => {
  assert.equal(encodeXtext("abcdef", 3), "abc");
  assert.equal(encodeXtext("a b c", 3), "a+20b");
});

test("what is no xtext, or no unitext, is told apart", () => {
  for (const text of ["", "a b", "a=b", "a+", "a+2b", "a+2"]) assert.ok(!isXtext(text), text);
  assert.ok(!isXtext("é") && isUnitext("é"));
  assert.ok(isUnitext("\\x{20AC}") && !isUnitext("\\x{20ac}"));
  assert.equal(decodeUnitext("b\\x{E9}+2B"), "bé+");
});
