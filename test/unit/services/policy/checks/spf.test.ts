import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress, type Address } from "../../../../../src/mail/address.ts";
import { formatReply } from "../../../../../src/mail/reply.ts";
import { LONGEST_EXPLANATION, type SpfAnswer } from "../../../../../src/ports/authentication.ts";
import type { CheckAction, CheckSettings, DomainChecks } from "../../../../../src/ports/checks.ts";
import type { RcptSubject } from "../../../../../src/services/policy/check.ts";
import { spfCheck } from "../../../../../src/services/policy/checks/spf.ts";
import { SpfInquiry } from "../../../../../src/services/policy/spf-inquiry.ts";
import { MemoryDirectory } from "../../../../support/smtp-bench.ts";

const FAIL: SpfAnswer = { result: "fail", domain: "d.test", identity: "mailfrom", comment: "no" };

/** What a client is told where SPF found this. */
async function told(spf: CheckAction, found: Partial<SpfAnswer>, contact?: string): Promise<string> {
  const authenticator = {
    spf: () => Promise.resolve({ ...FAIL, ...found }),
    verifyBody: () => assert.fail("nobody asks for a body"),
  };
  const settings = { dnsbl: "off", spf, ...(contact !== undefined && { contact }) } as const;
  const client = { ip: "192.0.2.1", network: "192.0.2.0/24", helo: "h", extended: true };
  const subject: RcptSubject = {
    ...client,
    sender: "x@d.test",
    announced: 0,
    recipient: parseAddress("alice@our.test") as Address,
    domain: new MemoryDirectory().domain("our.test", 0),
    certain: false,
    spf: new SpfInquiry(authenticator, { ip: client.ip, helo: "h", sender: "x@d.test" }),
  };
  const verdict = await spfCheck({ settings: () => settings }).run(subject);
  return verdict !== undefined && "reply" in verdict
    ? formatReply(verdict.reply)
    : (verdict?.kind ?? "nothing");
}

const OURS = "The domain of your sender address does not list you as a sender (SPF)";

test("a refusal ends with what the domain's owner says, in his name", async () => {
  const explanation = "see http://d.test/spf";
  const quote = "The domain d.test explains: see http://d.test/spf";
  assert.equal(await told("reject", { explanation }), `550 5.7.23 ${OURS}; ${quote}`);
  assert.equal(await told("defer", { explanation }), `451 4.7.23 ${OURS}; ${quote}`);
  assert.equal(
    await told("reject", { explanation }, "see us.test"),
    `550 5.7.23 ${OURS}; see us.test; ${quote}`,
  );
  assert.equal(await told("reject", {}), `550 5.7.23 ${OURS}`);
  assert.equal(await told("tag", { explanation }), "accept");
});

test("a reply fits into its line, whatever the domain is called and says", async () => {
  const domain = `${`${"d".repeat(60)}.`.repeat(4)}test`;
  const line = await told("reject", { domain, explanation: "x".repeat(LONGEST_EXPLANATION) });
  assert.ok(line.length <= 510, `${line.length} characters`);
  assert.ok(line.includes(`The domain ${domain} explains: xxx`));
  assert.match(line, /x\.\.\.$/);
  const contact = "see us.test ".padEnd(200, "c");
  const both = await told("defer", { domain, explanation: "x".repeat(LONGEST_EXPLANATION) }, contact);
  assert.ok(both.length <= 510, `${both.length} characters`);
  assert.ok(both.includes(`; ${contact}; The domain ddd`));
});

test("the DNS is asked where SPF or DMARC is on for the recipient's domain, and waited for where SPF acts", async () => {
  const run = (all: Pick<CheckSettings, "spf" | "dmarc">, own: DomainChecks): string => {
    const authenticator = { spf: async () => FAIL, verifyBody: () => assert.fail("nobody asks for a body") };
    const spf = new SpfInquiry(authenticator, { ip: "192.0.2.1", helo: "h", sender: "x@d.test" });
    const domain = new MemoryDirectory([{ name: "our.test", settings: { checks: own } }]).domain(
      "our.test",
      0,
    );
    const client = { ip: "192.0.2.1", network: "192.0.2.0/24", helo: "h", extended: true };
    const recipient = parseAddress("alice@our.test") as Address;
    const subject = { ...client, sender: "x@d.test", announced: 0, recipient, domain, certain: false, spf };
    const verdict = spfCheck({ settings: () => ({ dnsbl: "off", ...all }) }).run(subject);
    return `${spf.asked === undefined ? "not asked" : "asked"}, ${verdict instanceof Promise ? "waits" : "at once"}`;
  };
  assert.equal(run({}, {}), "not asked, at once");
  assert.equal(run({ spf: "reject", dmarc: "tag" }, { spf: "off", dmarc: "off" }), "not asked, at once");
  assert.equal(run({}, { dmarc: "reject" }), "asked, at once", "DMARC needs it at the end of the body");
  assert.equal(run({ dmarc: "tag" }, {}), "asked, at once");
  assert.equal(run({}, { spf: "tag" }), "asked, at once");
  assert.equal(run({}, { spf: "defer" }), "asked, waits");
  assert.equal(run({ spf: "reject" }, {}), "asked, waits");
});
