import assert from "node:assert/strict";
import { test } from "node:test";
import type { SpfResult } from "../../../../src/ports/authentication.ts";
import { authenticationOf, type Evidence } from "../../../../src/services/policy/authenticate.ts";

const SENDER = "alice@example.org";

function spf(result: SpfResult): Pick<Evidence, "spf"> {
  return { spf: { result, domain: "example.org", identity: "mailfrom", comment: "" } };
}

const SIGNED: Omit<Evidence, "spf"> = {
  sender: SENDER,
  dkim: [{ domain: "example.org", selector: "s1" }],
  from: SENDER,
  fromDomain: "example.org",
};

const CASES: readonly (readonly [string, Evidence, boolean])[] = [
  ["SPF passed", { sender: SENDER, ...spf("pass") }, true],
  ["SPF passed for the null sender", { sender: "", ...spf("pass") }, false],
  ["SPF did not pass and nothing is signed", { sender: SENDER, ...spf("neutral") }, false],
  ["signed, From is the return-path", { ...SIGNED, ...spf("softfail") }, true],
  ["signed by a parent", { ...SIGNED, dkim: [{ domain: "org", selector: "s" }], ...spf("none") }, true],
  ["the domain in capitals", { ...SIGNED, from: "alice@EXAMPLE.org", ...spf("none") }, true],
  [
    "signed by another",
    { ...SIGNED, dkim: [{ domain: "example.com", selector: "s" }], ...spf("none") },
    false,
  ],
  [
    "signed by a name that ends alike",
    { ...SIGNED, dkim: [{ domain: "ple.org", selector: "s" }], ...spf("none") },
    false,
  ],
  [
    "signed by a child",
    { ...SIGNED, dkim: [{ domain: "a.example.org", selector: "s" }], ...spf("none") },
    false,
  ],
  ["signed, another From", { ...SIGNED, from: "bob@example.org", ...spf("none") }, false],
  ["signed, From unclear", { sender: SENDER, dkim: SIGNED.dkim ?? [], ...spf("none") }, false],
  ["signed, SPF failed", { ...SIGNED, ...spf("fail") }, false],
  ["signed, SPF could not be asked", { ...SIGNED, ...spf("temperror") }, false],
  ["signed, SPF is off", { ...SIGNED }, false],
  ["signatures that did not verify", { ...SIGNED, dkim: [], ...spf("none") }, false],
];

for (const [name, evidence, proven] of CASES) {
  test(`the return-path: ${name}`, () => {
    assert.equal(authenticationOf(evidence)?.returnPath, proven);
  });
}

test("where nothing was asked nothing is known", () => {
  assert.equal(authenticationOf({ sender: SENDER }), undefined);
});

test("the facts hold what was found, and no sentence", () => {
  assert.deepEqual(
    authenticationOf({ ...SIGNED, ...spf("pass"), dmarc: { result: "pass", policy: "none" } }),
    {
      spf: { result: "pass", domain: "example.org", identity: "mailfrom" },
      dkim: [{ domain: "example.org", selector: "s1" }],
      dmarc: { result: "pass", policy: "none" },
      fromDomain: "example.org",
      returnPath: true,
    },
  );
});
