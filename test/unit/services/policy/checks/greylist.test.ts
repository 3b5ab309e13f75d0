import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAddress, type Address } from "../../../../../src/mail/address.ts";
import { clientNetwork } from "../../../../../src/mail/network.ts";
import type { GreylistSettings } from "../../../../../src/ports/checks.ts";
import type { Sighting } from "../../../../../src/ports/greylist.ts";
import { loggerTo } from "../../../../../src/runtime/log.ts";
import { SpfInquiry } from "../../../../../src/services/policy/spf-inquiry.ts";
import type { SpfResult } from "../../../../../src/ports/authentication.ts";
import { recipientsOf } from "../../../../support/recipient-notes.ts";
import { ManualClock } from "../../../../support/manual-clock.ts";
import { memoryGreylist, quietPolicy } from "../../../../support/quiet-policy.ts";
import { MemoryDirectory, type TestDomain } from "../../../../support/smtp-bench.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

function setUp(greylist: GreylistSettings | "off" = { delay: MINUTE }, domains?: readonly TestDomain[]) {
  const clock = new ManualClock();
  const directory = new MemoryDirectory(domains);
  const seen = new Map<string, Sighting>();
  const away = new Set<string>();
  const good = new Set<string>();
  const policy = quietPolicy({
    clock,
    recipients: recipientsOf(directory),
    settings: () => ({
      greylist,
      dnsbl: { lists: [{ zone: "good.test", codes: ["127.*.*.*"], weight: -1 }] },
      access: [{ action: "allow", network: "198.51.100.0/24" }],
    }),
    dnsbl: {
      isSound: () => true,
      blocklists: {
        codes: (_zone, ip) =>
          Promise.resolve(good.has(ip) ? { kind: "found", records: ["127.0.5.1"] } : { kind: "none" }),
        reason: () => Promise.resolve(undefined),
      },
    },
    greylist: { memory: memoryGreylist(seen), longAway: (domain) => away.has(domain) },
    log: loggerTo((_level, message, fields) => assert.fail(`${message} ${String(fields["stack"])}`)),
  });
  const take = (sender: string, name = "our.test", spf?: SpfInquiry): void => {
    const domain = directory.domain(name, 0);
    const client = { ip: "192.0.2.9", network: "192.0.2.0/24", helo: "h", extended: true };
    const mail = { ...client, sender, announced: 0, ...(spf !== undefined && { spf }) };
    policy.taken(mail, domain === undefined ? [] : [domain]);
  };
  const ask = async (
    to = "alice@our.test",
    ip = "192.0.2.1",
    sender = "a@b.example",
    spf?: SpfInquiry,
  ): Promise<string> => {
    const recipient = parseAddress(to) as Address;
    const domain = directory.domain(recipient.domain, 0);
    const client = { ip, network: clientNetwork(ip), helo: "h", extended: true };
    const mail = { ...client, sender, announced: 0, ...(spf !== undefined && { spf }) };
    const verdict = await policy.rcpt({ ...mail, recipient, domain, certain: false });
    return "reply" in verdict ? `${verdict.reply.code} ${verdict.reply.text}` : verdict.kind;
  };
  return { clock, seen, away, good, take, ask };
}

/** SPF that says this to whoever asks. */
function said(result: SpfResult): SpfInquiry {
  const answer = { result, domain: "b.example", identity: "mailfrom" as const, comment: "" };
  const authenticator = { spf: async () => answer, verifyBody: () => assert.fail() };
  return new SpfInquiry(authenticator, { ip: "", helo: "", sender: "" });
}

function asked(result: SpfResult): SpfInquiry {
  const inquiry = said(result);
  void inquiry.answer();
  return inquiry;
}

describe("greylist", () => {
  test("a new client is put off, let in after the delay, and known for 35 days after its last mail", async () => {
    const { clock, ask } = setUp();
    assert.equal(await ask(), "451 You are new here, try again in 60 s");
    clock.advance(20_000);
    assert.equal(await ask(), "451 You are new here, try again in 40 s");
    clock.advance(40_000);
    assert.equal(await ask(), "accept");
    clock.advance(34 * DAY);
    assert.equal(await ask(), "accept");
    clock.advance(34 * DAY);
    assert.equal(await ask(), "accept");
    clock.advance(36 * DAY);
    assert.match(await ask(), /^451 /);
  });

  test("who does not come again within a day is new once more", async () => {
    const { clock, ask } = setUp();
    await ask();
    clock.advance(DAY);
    assert.match(await ask(), /^451 .* 60 s$/);
  });

  test("a clock that is set back makes who waits new, and nobody who is known", async () => {
    const { clock, ask } = setUp();
    await ask();
    clock.advance(MINUTE);
    assert.equal(await ask(), "accept");
    await ask("bob@our.test");
    clock.set(-DAY);
    assert.equal(await ask(), "accept");
    assert.match(await ask("bob@our.test"), /^451 .* 60 s$/);
    clock.advance(MINUTE);
    assert.equal(await ask("bob@our.test"), "accept");
  });

  test("another host of the same network is the same client; another sender or recipient is not", async () => {
    const { clock, ask } = setUp();
    await ask();
    clock.advance(MINUTE);
    assert.equal(await ask("alice@our.test", "192.0.2.200"), "accept");
    assert.match(await ask("alice@our.test", "192.0.3.1"), /^451 /);
    assert.match(await ask("bob@our.test"), /^451 /);
    assert.match(await ask("alice@our.test", "192.0.2.1", "c@b.example"), /^451 /);
  });

  test("nobody is put off who is allowed, on a good list, writes to postmaster, or when the outage is long", async () => {
    const { away, good, seen, ask } = setUp();
    assert.equal(await ask("alice@our.test", "198.51.100.7"), "accept");
    assert.equal(await ask("postmaster@our.test"), "accept");
    good.add("192.0.2.1");
    assert.equal(await ask(), "accept");
    good.clear();
    away.add("our.test");
    assert.equal(await ask("bob@our.test"), "accept");
    away.clear();
    assert.match(await ask("bob@our.test"), /^451 /);
    assert.equal(seen.size, 2);
  });

  test("a sender that the domain took mail from is not put off for 35 days, from anywhere, in that domain", async () => {
    const { clock, take, ask } = setUp({ delay: MINUTE }, [
      { name: "our.test", recipients: ["alice", "bob"] },
      { name: "other.test", recipients: ["alice"] },
    ]);
    take("Anna@B.example");
    assert.equal(await ask("bob@our.test", "203.0.113.5", "anna@b.example"), "accept");
    assert.match(await ask("bob@our.test", "203.0.113.5", "else@b.example"), /^451 /);
    assert.match(await ask("alice@other.test", "203.0.113.5", "anna@b.example"), /^451 /);
    take("");
    assert.match(await ask("bob@our.test", "203.0.113.5", ""), /^451 /);
    clock.advance(34 * DAY);
    take("anna@b.example");
    clock.advance(34 * DAY);
    assert.equal(
      await ask("alice@our.test", "198.18.0.2", "anna@b.example"),
      "accept",
      "its last mail counts",
    );
    clock.advance(DAY);
    assert.match(await ask("alice@our.test", "198.18.0.1", "anna@b.example"), /^451 /);
  });

  test("a sender whose domain wrote before is not put off where SPF passes, then and now", async () => {
    const { take, ask } = setUp();
    const from = (sender: string, result: SpfResult): Promise<string> =>
      ask("alice@our.test", "203.0.113.5", sender, said(result));
    take("anna@failed.example", "our.test", asked("softfail"));
    take("anna@b.example", "our.test", asked("pass"));
    await Promise.resolve();
    await Promise.resolve();
    assert.equal(await from("else@b.example", "pass"), "accept");
    assert.match(await from("more@b.example", "softfail"), /^451 /);
    assert.match(await from("else@failed.example", "pass"), /^451 /);
    assert.match(await from("else@c.example", "pass"), /^451 /);
  });

  test("who comes again from another network is the same where SPF passes, and waits as long", async () => {
    const { clock, ask } = setUp();
    const from = (ip: string, result: SpfResult, to = "alice@our.test", sender = "a@b.example") =>
      ask(to, ip, sender, said(result));
    assert.equal(await from("192.0.2.1", "pass"), "451 You are new here, try again in 60 s");
    clock.advance(20_000);
    assert.equal(await from("198.18.0.1", "pass"), "451 You are new here, try again in 40 s");
    clock.advance(40_000);
    assert.match(await from("198.18.1.1", "softfail"), /^451 /);
    assert.match(await from("198.18.1.1", "pass", "bob@our.test"), /^451 /);
    assert.match(await from("198.18.1.1", "pass", "alice@our.test", "else@b.example"), /^451 /);
    assert.equal(await from("198.18.2.1", "pass"), "accept");
    assert.equal(await from("198.18.2.2", "none"), "accept", "its network is known now");
    assert.match(await from("198.18.3.1", "fail"), /^451 /);
    clock.advance(DAY);
    assert.match(await from("198.18.4.1", "pass"), /^451 /, "a day later it is new");
  });

  test("the null sender of another network is another's", async () => {
    const { clock, ask } = setUp();
    assert.match(await ask("alice@our.test", "192.0.2.1", "", said("pass")), /^451 /);
    clock.advance(MINUTE);
    assert.match(await ask("alice@our.test", "198.18.0.1", "", said("pass")), /^451 /);
  });

  test("that somebody wrote is noted once a day, however much he writes, and the DNS is not asked for it", async () => {
    const { clock, seen, take, ask } = setUp();
    let notes = 0;
    const set = seen.set.bind(seen);
    seen.set = (key, sighting) => {
      notes += 1;
      return set(key, sighting);
    };
    const day = async (): Promise<number> => {
      const before = notes;
      for (let hour = 0; hour < 24; hour++) {
        assert.equal(await ask("alice@our.test", "192.0.2.1", "x@c.example"), "accept");
        take("anna@b.example", "our.test", said("pass"));
        await Promise.resolve();
        clock.advance(DAY / 24);
      }
      return notes - before;
    };
    await ask("alice@our.test", "192.0.2.1", "x@c.example");
    clock.advance(MINUTE);
    assert.deepEqual([await day(), await day()], [2, 2], "of the client, and of the sender");
  });

  test("with action tag a new client is let in and marked", async () => {
    assert.equal(await setUp({ delay: MINUTE, action: "tag" }).ask(), "tag");
  });

  test("what others refuse leaves no trace in the memory, and off asks nobody", async () => {
    const refused = setUp();
    assert.match(await refused.ask("nobody@our.test"), /^550 /);
    assert.equal(refused.seen.size, 0);
    const off = setUp("off");
    assert.equal(await off.ask(), "accept");
    off.take("a@b.example");
    assert.equal(off.seen.size, 0);
    const own = [
      { name: "our.test", recipients: ["alice"], settings: { checks: { greylist: "off" as const } } },
    ];
    assert.equal(await setUp({ delay: MINUTE }, own).ask(), "accept");
  });
});
