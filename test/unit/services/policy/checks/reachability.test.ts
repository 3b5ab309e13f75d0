import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAddress, type Address } from "../../../../../src/mail/address.ts";
import { clientNetwork } from "../../../../../src/mail/network.ts";
import type { SpfResult } from "../../../../../src/ports/authentication.ts";
import type { ReachabilitySettings } from "../../../../../src/ports/checks.ts";
import type { Sighting } from "../../../../../src/ports/greylist.ts";
import { loggerTo } from "../../../../../src/runtime/log.ts";
import { SpfInquiry } from "../../../../../src/services/policy/spf-inquiry.ts";
import { recipientsOf } from "../../../../support/recipient-notes.ts";
import { ManualClock } from "../../../../support/manual-clock.ts";
import { memoryGreylist, quietPolicy } from "../../../../support/quiet-policy.ts";
import { MemoryDirectory, type TestDomain } from "../../../../support/smtp-bench.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ON: ReachabilitySettings = { delay: 5 * MINUTE, remember: 24 * HOUR };
const DOMAINS: readonly TestDomain[] = [
  { name: "our.test", recipients: ["alice", "bob"] },
  { name: "only.test", recipients: ["alice"], settings: { mode: "reflector" } },
];

function setUp(reachability: ReachabilitySettings | "off" = ON) {
  const clock = new ManualClock();
  const directory = new MemoryDirectory(DOMAINS);
  const seen = new Map<string, Sighting>();
  const up = new Map([
    ["our.test", "mail.our.test"],
    ["only.test", "mail.only.test"],
  ]);
  const names = new Map<string, string>();
  const policy = quietPolicy({
    clock,
    recipients: recipientsOf(directory),
    settings: () => ({ dnsbl: "off", reachability, contact: "see us.test" }),
    reachability: {
      memory: memoryGreylist(seen),
      primaryUp: (domain) => up.get(domain),
    },
    resolver: {
      mx: () => Promise.resolve({ kind: "none" }),
      addresses: () => Promise.resolve({ kind: "none" }),
      records: () => Promise.resolve({ kind: "none" }),
      confirmedName: (ip) => {
        const name = names.get(ip);
        return Promise.resolve(name === undefined ? { kind: "none" } : { kind: "found", records: [name] });
      },
    },
    log: loggerTo((_level, message, fields) => assert.fail(`${message} ${String(fields["stack"])}`)),
  });
  const ask = async (
    ip = "192.0.2.1",
    to = "alice@our.test",
    sender = "a@b.example",
    result: SpfResult = "none",
  ): Promise<string> => {
    const recipient = parseAddress(to) as Address;
    const domain = directory.domain(recipient.domain, 0);
    const client = { ip, network: clientNetwork(ip), helo: "h", extended: true };
    const answer = { result, domain: "b.example", identity: "mailfrom" as const, comment: "" };
    const authenticator = { spf: async () => answer, verifyBody: () => assert.fail() };
    const spf = new SpfInquiry(authenticator, { ip, helo: "h", sender });
    const subject = { ...client, sender, announced: 0, spf, recipient, domain, certain: false };
    const verdict = await policy.rcpt(subject);
    return "reply" in verdict ? `${verdict.reply.code} ${verdict.reply.text}` : verdict.kind;
  };
  return { clock, up, names, seen, ask };
}

const AWAY = "451 mail.our.test is up, send your mail there; see us.test";

describe("reachability", () => {
  test("while the primary is up a client is sent there, and let in when it comes again after the delay", async () => {
    const { clock, ask } = setUp();
    assert.equal(await ask(), AWAY);
    clock.advance(4 * MINUTE);
    assert.equal(await ask(), AWAY);
    clock.advance(MINUTE);
    assert.equal(await ask("192.0.2.77"), "accept");
    assert.equal(await ask("192.0.2.1", "bob@our.test", "else@b.example"), "accept");
    assert.equal(await ask("192.0.2.1", "bob@our.test", "x@c.example"), AWAY);
    assert.equal(await ask("198.51.100.1"), AWAY);
  });

  test("the path is believed broken for as long as the operator says", async () => {
    const { clock, ask } = setUp();
    await ask();
    clock.advance(5 * MINUTE);
    assert.equal(await ask(), "accept");
    clock.advance(24 * HOUR);
    assert.equal(await ask("192.0.2.1", "bob@our.test"), AWAY);
  });

  test("a clock that is set back has nobody wait longer than the delay, and leaves a broken path broken", async () => {
    const { clock, ask } = setUp();
    await ask();
    clock.advance(5 * MINUTE);
    assert.equal(await ask(), "accept");
    assert.equal(await ask("198.51.100.1"), AWAY);
    clock.set(-24 * HOUR);
    assert.equal(await ask(), "accept");
    assert.equal(await ask("198.51.100.1"), AWAY);
    clock.advance(5 * MINUTE);
    assert.equal(await ask("198.51.100.1"), "accept");
  });

  test("another network of the same organisation, by confirmed names, is let in at once", async () => {
    const { names, ask } = setUp();
    names.set("192.0.2.1", "out1.big.co.uk").set("198.51.100.1", "out2.big.co.uk");
    names.set("203.0.113.1", "out.small.co.uk");
    assert.equal(await ask("192.0.2.1"), AWAY);
    assert.equal(await ask("203.0.113.1"), AWAY);
    assert.equal(await ask("192.0.2.9"), AWAY);
    assert.equal(await ask("198.51.100.1"), "accept");
    assert.equal(await ask("203.0.113.9"), AWAY);
  });

  test("only with the same mail is another network of an organisation let in", async () => {
    const { names, ask } = setUp();
    names.set("192.0.2.1", "out1.big.test").set("198.51.100.1", "out2.big.test");
    assert.equal(await ask("192.0.2.1"), AWAY);
    assert.equal(await ask("198.51.100.1", "bob@our.test"), AWAY);
    assert.equal(await ask("198.51.100.1", "alice@our.test", "else@b.example"), AWAY);
    assert.equal(await ask("198.51.100.1"), "accept");
  });

  test("another network for which SPF passes, too, is let in at once; the null sender has no such networks", async () => {
    const { ask } = setUp();
    const from = (ip: string, result: SpfResult, sender = "a@b.example"): Promise<string> =>
      ask(ip, "alice@our.test", sender, result);
    assert.equal(await from("192.0.2.1", "pass"), AWAY);
    assert.equal(await from("203.0.113.1", "softfail"), AWAY);
    assert.equal(await from("198.51.100.1", "pass"), "accept");
    assert.equal(await from("192.0.2.1", "pass", ""), AWAY);
    assert.equal(await from("198.51.100.1", "pass", ""), AWAY);
  });

  test("nobody is sent away while no primary is up, from a reflector, or to postmaster", async () => {
    const { up, seen, ask } = setUp();
    assert.equal(await ask("192.0.2.1", "alice@only.test"), "accept");
    assert.equal(await ask("192.0.2.1", "postmaster@our.test"), "accept");
    up.clear();
    assert.equal(await ask(), "accept");
    assert.equal(seen.size, 0);
    assert.equal(await setUp("off").ask(), "accept");
  });

  test("with action tag the mail is taken and marked; the null sender is treated as any", async () => {
    assert.equal(await setUp({ ...ON, action: "tag" }).ask(), "tag");
    const { clock, ask } = setUp();
    assert.equal(await ask("192.0.2.1", "alice@our.test", ""), AWAY);
    clock.advance(5 * MINUTE);
    assert.equal(await ask("192.0.2.1", "alice@our.test", ""), "accept");
  });
});
