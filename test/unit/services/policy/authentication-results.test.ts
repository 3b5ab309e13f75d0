import assert from "node:assert/strict";
import { test } from "node:test";
import type { SpfResult } from "../../../../src/ports/authentication.ts";
import { resultsOf, type SenderEvidence } from "../../../../src/services/policy/authentication-results.ts";

const SENDER = "alice@example.org";

function spf(result: SpfResult): Pick<SenderEvidence, "spf"> {
  return { spf: { result, domain: "example.org", identity: "mailfrom", comment: "" } };
}

function signed(domain = "example.org", from: string | undefined = SENDER): Pick<SenderEvidence, "proof"> {
  const signatures = [{ result: "pass", domain, selector: "s1" } as const];
  return { proof: { signatures, fromDomain: "example.org", ...(from !== "" && { from }) } };
}

const UNVERIFIED = {
  proof: { signatures: [{ result: "fail", domain: "example.org", selector: "s1" }], from: SENDER },
} as const;

type Part = Partial<SenderEvidence>;

const CASES: readonly (readonly [string, Part, boolean])[] = [
  ["SPF passed", spf("pass"), true],
  ["SPF passed for the null sender", { sender: "", ...spf("pass") }, false],
  ["SPF did not pass and nothing is signed", spf("neutral"), false],
  ["signed, From is the return-path", { ...signed(), ...spf("softfail") }, true],
  ["signed by a parent", { ...signed("org"), ...spf("none") }, true],
  ["the domain in capitals", { ...signed("example.org", "alice@EXAMPLE.org"), ...spf("none") }, true],
  ["signed by another", { ...signed("example.com"), ...spf("none") }, false],
  ["signed by a name that ends alike", { ...signed("ple.org"), ...spf("none") }, false],
  ["signed by a child", { ...signed("a.example.org"), ...spf("none") }, false],
  ["signed, another From", { ...signed("example.org", "bob@example.org"), ...spf("none") }, false],
  ["signed, From elsewhere", { ...signed("example.org", "alice@example.com"), ...spf("none") }, false],
  ["signed, From unclear", { ...signed("example.org", ""), ...spf("none") }, false],
  ["signed, SPF failed", { ...signed(), ...spf("fail") }, false],
  ["signed, SPF could not be asked", { ...signed(), ...spf("temperror") }, false],
  ["signed, SPF is off", signed(), false],
  ["a signature that did not verify", { ...UNVERIFIED, ...spf("none") }, false],
];

for (const [name, evidence, proven] of CASES) {
  test(`the return-path: ${name}`, () => {
    assert.equal(resultsOf({ sender: SENDER, ...evidence })?.authentication.returnPath, proven);
  });
}

test("where nothing was asked nothing is known", () => {
  assert.equal(resultsOf({ sender: SENDER }), undefined);
});

test("the facts hold what was found, and no sentence", () => {
  const { proof } = signed();
  const dmarc = { result: "pass", policy: "none" } as const;
  const found = resultsOf({ sender: SENDER, ...spf("pass"), ...(proof && { proof: { ...proof, dmarc } }) });
  assert.deepEqual(found?.authentication, {
    spf: { result: "pass", domain: "example.org", identity: "mailfrom" },
    dkim: [{ domain: "example.org", selector: "s1" }],
    dmarc,
    fromDomain: "example.org",
    returnPath: true,
  });
});
