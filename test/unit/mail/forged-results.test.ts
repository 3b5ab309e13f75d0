import assert from "node:assert/strict";
import { test } from "node:test";
import { ForgedResults } from "../../../src/mail/forged-results.ts";
import { seededRandom } from "../../support/random.ts";

const OURS = "mx2.example.net";

function pass(text: string, chunk = 65_536): { readonly text: string; readonly removed: number } {
  const forged = new ForgedResults(OURS);
  const octets = Buffer.from(text, "latin1");
  const parts: Buffer[] = [];
  for (let at = 0; at < octets.length; at += chunk) parts.push(forged.pass(octets.subarray(at, at + chunk)));
  parts.push(forged.end());
  return { text: Buffer.concat(parts).toString("latin1"), removed: forged.removed };
}

const AROUND = [
  "From: a@b.example\r\nAccept: x\r\n",
  "Subject: x\r\n\r\nAuthentication-Results: mx2.example.net; body\r\n",
];

const FORGED: readonly (readonly [string, string])[] = [
  ["plain", "Authentication-Results: mx2.example.net; spf=pass\r\n"],
  ["other case, final dot", "AUTHENTICATION-results:MX2.Example.Net.; spf=pass\r\n"],
  ["folded", "Authentication-Results:\r\n\tmx2.example.net;\r\n spf=pass;\r\n\tdkim=pass\r\n"],
  ["blanks before the colon", "Authentication-Results \t: mx2.example.net; spf=pass\r\n"],
  ["folded before the colon", "Authentication-Results\r\n : mx2.example.net; spf=pass\r\n"],
  ["comments", "Authentication-Results: (a (b\\) c)) (d)\r\n mx2.example.net (e) 1; none\r\n"],
  ["quoted", 'Authentication-Results: "mx2.exam\\ple.net"; spf=pass\r\n'],
  ["with a version", "Authentication-Results: mx2.example.net 1; spf=pass\r\n"],
  ["nothing behind the name", "Authentication-Results: mx2.example.net\r\n"],
  [
    "a comment without an end",
    `Authentication-Results: (${"x".repeat(3000)}\r\n mx2.example.net; spf=pass\r\n`,
  ],
  ["two", "Authentication-Results: mx2.example.net; a\r\nAuthentication-Results: mx2.example.net; b\r\n"],
];

for (const [name, field] of FORGED) {
  test(`is taken out: ${name}`, () => {
    for (const chunk of [1, 2, 3, 10, 65_536]) {
      const { text, removed } = pass(AROUND.join(field), chunk);
      assert.equal(text, AROUND.join(""), `in chunks of ${chunk}`);
      assert.equal(removed, name === "two" ? 2 : 1);
    }
  });
}

const KEPT: readonly (readonly [string, string])[] = [
  ["another's", "Authentication-Results: mx.example.com; spf=pass\r\n"],
  ["a longer name", "Authentication-Results: mx2.example.net.evil.example; spf=pass\r\n"],
  ["another field", "Authentication-Results-X: mx2.example.net; spf=pass\r\n"],
  ["ARC", "ARC-Authentication-Results: i=1; mx2.example.net; spf=pass\r\n"],
  ["ours in a comment", "Authentication-Results: (mx2.example.net) other.example; none\r\n"],
  ["inside a field", "Subject: x\r\n Authentication-Results: mx2.example.net; spf=pass\r\n"],
  ["nobody's", "Authentication-Results: ; spf=pass\r\n"],
  ["without a colon", "Authentication-Results\r\n"],
  ["octets of all kinds", "Authentication-Results: \xc3\xbc\xff\x01; a\r\n"],
];

for (const [name, field] of KEPT) {
  test(`passes octet for octet: ${name}`, () => {
    const text = AROUND.join(field);
    for (const chunk of [1, 2, 3, 10, 65_536]) assert.deepEqual(pass(text, chunk), { text, removed: 0 });
  });
}

test("a mail that is only header, or only body, or a forged field without an end", () => {
  for (const text of [
    "",
    "\r\n",
    "a",
    "Authentication-Results: other.example",
    "\r\nAuthentication-Results: mx2.example.net;\r\n",
  ])
    assert.deepEqual(pass(text, 3), { text, removed: 0 });
  assert.deepEqual(pass("Authentication-Results: mx2.example.net"), { text: "", removed: 1 });
});

test("a chunk without such a field passes in its own memory", () => {
  const chunk = Buffer.from(AROUND.join("Authorised: yes\r\n"));
  assert.equal(new ForgedResults(OURS).pass(chunk), chunk);
});

test("however it is cut, the same is taken out", () => {
  const random = seededRandom(7);
  const pieces = [...FORGED, ...KEPT].map(([, field]) => field);
  for (let round = 0; round < 300; round++) {
    const fields = Array.from({ length: 6 }, () => random.pick(pieces));
    const text = AROUND.join(fields.join(""));
    assert.deepEqual(pass(text, 1 + random.below(40)), pass(text));
  }
});

test("a field of thousands of lines is read in no time", { timeout: 20_000 }, () => {
  // Whoever asks anew with each line takes minutes.
  const field = `Authentication-Results:\r\n${" \r\n".repeat(600)}`;
  assert.equal(pass(field.repeat(2000)).removed, 0);
});

test("our name is known in U-labels too, RFC 8616", () => {
  const forged = new ForgedResults("mx.xn--bcher-kva.example");
  forged.pass(Buffer.from("Authentication-Results: mx.B\u00fccher.example; spf=pass\r\n"));
  forged.end();
  assert.equal(forged.removed, 1);
});
