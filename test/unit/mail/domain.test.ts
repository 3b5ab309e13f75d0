import assert from "node:assert/strict";
import { test } from "node:test";
import { displayDomain, normaliseDomain } from "../../../src/mail/domain.ts";

/** A name of so many octets. */
function nameOf(octets: number): string {
  return "a.".repeat(octets).slice(0, octets - 1) + "b";
}

test("a domain has 253 octets at most, without its trailing dot and in A-labels", () => {
  for (const octets of [252, 253]) {
    const name = nameOf(octets);
    assert.equal(normaliseDomain(name)?.length, octets);
    assert.equal(normaliseDomain(`${name}.`), name);
  }
  assert.equal(normaliseDomain(nameOf(254)), undefined);
  const foreign = (labels: number): string => `${"\u00fc.".repeat(labels)}test`;
  assert.equal(normaliseDomain(foreign(31))?.length, 252);
  assert.equal(normaliseDomain(foreign(32)), undefined, "68 characters, and 260 octets in A-labels");
  assert.equal(normaliseDomain(`\u00fc${"\u00ad".repeat(253)}.test`), undefined, "soft hyphens are left out");
});

test("a dot alone, or nothing, is no domain", () => {
  for (const text of ["", ".", "..", "a..", ".a"]) assert.equal(normaliseDomain(text), undefined, text);
});

test("a label has 63 octets at most, and no hyphen at its ends", () => {
  const longest = "b".repeat(63);
  assert.equal(normaliseDomain(`${longest}.${longest}`), `${longest}.${longest}`);
  assert.equal(normaliseDomain("a-b.c--d._e_"), "a-b.c--d._e_");
  for (const wrong of ["-a", "a-", `${longest}b`])
    for (const text of [wrong, `${wrong}.test`, `x.${wrong}`, `x.${wrong}.test`])
      assert.equal(normaliseDomain(text), undefined, text);
});

test("marks of a letter may come in any order", () => {
  assert.equal(normaliseDomain("o\u0345\u0323.test"), normaliseDomain("o\u0323\u0345.test"));
});

test("people see U-labels, and what has none as it is", () => {
  assert.equal(displayDomain("xn--bcher-kva.example"), "b\u00fccher.example");
  for (const text of ["mail.example", "192.0.2.1", "2001:db8::1"]) assert.equal(displayDomain(text), text);
});
