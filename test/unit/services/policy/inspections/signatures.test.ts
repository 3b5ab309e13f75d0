import assert from "node:assert/strict";
import { test } from "node:test";
import type { BodyProof, DmarcFacts } from "../../../../../src/ports/authentication.ts";
import type { CheckSettings } from "../../../../../src/ports/checks.ts";
import { signatureInspection } from "../../../../../src/services/policy/inspections/signatures.ts";
import { INSPECTED_MAIL } from "../../../../support/fake-inspection.ts";

interface Given {
  readonly dmarc: NonNullable<CheckSettings["dmarc"]>;
  readonly result?: DmarcFacts["result"];
  readonly policy?: NonNullable<DmarcFacts["policy"]>;
  readonly exempt?: boolean;
}

/** What becomes of a mail whose DMARC result is this. */
function verdictOn({ dmarc, result = "fail", policy = "reject", exempt = false }: Given) {
  const proof: BodyProof = { signatures: [], fromDomain: "sender.example", dmarc: { result, policy } };
  return judged(proof, { dmarc }, exempt);
}

async function judged(proof: BodyProof, checks: Pick<CheckSettings, "dkim" | "dmarc">, exempt = false) {
  const { begin } = signatureInspection({
    authenticator: {
      verifyBody: () => ({ feed: () => undefined, finish: async () => proof, abort: () => {} }),
    },
    settings: () => ({ dnsbl: "off", ...checks, contact: "see us.example" }),
  });
  const inspector = begin({ ...INSPECTED_MAIL, exempt }) ?? assert.fail("it looks at nothing");
  const body = { size: 3, facts: {} as never, read: async function* () {} };
  return (await inspector.finish(body)).verdict;
}

test("DMARC refuses only where the domain asks to", async () => {
  const kinds: string[] = [];
  for (const dmarc of ["tag", "defer", "reject"] as const)
    for (const policy of ["none", "quarantine", "reject"] as const)
      kinds.push(`${dmarc} ${policy}: ${(await verdictOn({ dmarc, policy })).kind}`);
  assert.deepEqual(
    kinds.filter((kind) => !kind.endsWith("accept")),
    ["defer reject: defer", "reject reject: reject"],
  );
  const refused = await verdictOn({ dmarc: "reject" });
  assert.match(refused.kind === "reject" ? refused.reply.text : "", /\(DMARC\); see us\.example$/);
});

test("DMARC sets aside where the domain asks for that, or for more", async () => {
  const dmarc = "quarantine";
  assert.deepEqual(await verdictOn({ dmarc, policy: "quarantine" }), {
    kind: "quarantine",
    why: "DMARC fails, and sender.example asks to quarantine such mail",
  });
  assert.equal((await verdictOn({ dmarc, policy: "reject" })).kind, "quarantine");
  assert.equal((await verdictOn({ dmarc, policy: "none" })).kind, "accept");
});

test("an author whose domain is not clear has one that asks, and is named no further", async () => {
  const proof: BodyProof = { signatures: [], dmarc: { result: "fail", policy: "reject" } };
  assert.deepEqual(await judged(proof, { dmarc: "quarantine" }), {
    kind: "quarantine",
    why: "DMARC fails, and the domain of its From field asks to reject such mail",
  });
});

test("what passes, could not be found out or is exempt is taken", async () => {
  for (const result of ["pass", "none", "temperror", "permerror"] as const)
    for (const dmarc of ["quarantine", "reject"] as const)
      assert.equal((await verdictOn({ dmarc, result })).kind, "accept", `${result} ${dmarc}`);
  assert.equal((await verdictOn({ dmarc: "quarantine", exempt: true })).kind, "accept");
});

test("DKIM refuses what is signed and was looked at, if no signature verifies", async () => {
  const kindOf = async (...results: BodyProof["signatures"][number]["result"][]): Promise<string> =>
    (await judged({ signatures: results.map((result) => ({ result })) }, { dkim: "reject" })).kind;
  assert.equal(await kindOf(), "accept");
  assert.equal(await kindOf("fail"), "reject");
  assert.equal(await kindOf("neutral", "policy", "permerror"), "reject");
  assert.equal(await kindOf("fail", "pass"), "accept");
  assert.equal(await kindOf("fail", "temperror"), "accept");
  const unread = { signatures: [{ result: "neutral" }], unread: true } as const;
  assert.equal((await judged(unread, { dkim: "reject" })).kind, "accept", "our bounds refuse nobody");
});
