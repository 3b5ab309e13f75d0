import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OwedMail, OwedRecipient } from "../../../../src/ports/dsn.ts";
import { judge } from "../../../../src/services/bounce/bounce.ts";
import { owedMail, owedTo, PROVEN } from "../../../support/owed-mail.ts";

const RULES = { route: true, perSender: 3 };

function verdict(
  mail: Partial<OwedMail>,
  recipient: Partial<OwedRecipient> = {},
  rules: Partial<typeof RULES> = {},
): string {
  const judged = judge(owedMail(mail), owedTo(recipient), { ...RULES, ...rules });
  return judged === undefined ? "notice" : `${judged.operators ? "operator: " : ""}${judged.why}`;
}

describe("the gate of notices", () => {
  it("opens for a return-path that is its sender's own", () => {
    assert.equal(verdict({}), "notice");
    const dkim = [{ domain: "friend.test", selector: "s" }];
    const spf = { ...PROVEN.spf, result: "neutral" } as never;
    assert.equal(verdict({ authentication: { spf, dkim, returnPath: true } }), "notice");
  });

  it("stays closed for what may be forged", () => {
    const unproven = { ...PROVEN, spf: { ...PROVEN.spf, result: "fail" } as never, returnPath: false };
    assert.equal(
      verdict({ authentication: unproven }),
      "its return path may be forged (spf fail, no signature)",
    );
    const dkim = [{ domain: "list.test", selector: "s" }];
    assert.equal(
      verdict({ authentication: { dkim, returnPath: false } }),
      "its return path may be forged (spf not checked, a signature of another domain)",
    );
    const { authentication: _, ...unasked } = owedMail();
    const silent = judge(unasked, owedTo(), RULES);
    assert.equal(
      silent?.why,
      "the mail was accepted without SPF, so its return path may be forged; `checks: { spf: tag }` checks it",
    );
  });

  it("never opens for the null sender, even when it asks", () => {
    for (const notify of [undefined, "SUCCESS", "FAILURE"])
      assert.equal(
        verdict({ sender: "" }, notify === undefined ? {} : { notify }),
        "the null sender is never notified",
      );
  });

  for (const [trait, why] of [
    ["list", /mailing list/],
    ["bulk", /bulk mail/],
    ["automatic", /sent automatically/],
  ] as const)
    it(`stays closed for what is ${trait}`, () => assert.match(verdict({ traits: [trait] }), why));

  for (const local of [
    "owner-talk",
    "talk-owner",
    "talk-request",
    "talk-bounces",
    "talk-bounces+ann=x.test",
    "MAILER-DAEMON",
  ])
    it(`stays closed for ${local}`, () =>
      assert.match(verdict({ sender: `${local}@friend.test` }), /a mailing list or a mail system/));

  for (const local of ["owner", "requests", "ann-ownership", "bounces.ann", "bounced"])
    it(`opens for ${local}`, () => assert.equal(verdict({ sender: `${local}@friend.test` }), "notice"));

  it("hears what the sender asked: each kind against each wish", () => {
    const opens = (["failed", "expired", "delayed", "relayed"] as const).map((kind) =>
      [undefined, "NEVER", "SUCCESS", "FAILURE", "DELAY", "SUCCESS,FAILURE,DELAY"].map((notify) =>
        verdict({}, { kind, ...(notify !== undefined && { notify }) }) === "notice" ? "x" : "-",
      ),
    );
    assert.deepEqual(
      opens.map((row) => row.join("")),
      ["x--x-x", "x--x-x", "x---xx", "--x--x"],
    );
    assert.equal(verdict({}, { notify: "NEVER" }), "the sender requested none (NOTIFY=NEVER)");
    assert.equal(verdict({}, { kind: "relayed" }), "the sender requested none");
  });

  it("says to operators when their settings stand in its way, and only then", () => {
    assert.equal(verdict({}, {}, { route: false }), "operator: no route for notices is set");
    assert.equal(verdict({ noticesToSender: 2 }), "notice");
    assert.equal(verdict({ noticesToSender: 3 }), "operator: its sender got 3 notices within 24 h");
    assert.match(verdict({ traits: ["list"] }, {}, { route: false }), /^it came from a mailing list/);
  });
});
