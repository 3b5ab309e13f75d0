import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OwedMail, OwedRecipient } from "../../../../src/ports/dsn.ts";
import { groupByDsn, draftDsn } from "../../../../src/services/bounce/bounce.ts";
import { owedMail, owedTo } from "../../../support/owed-mail.ts";

const DAY = 86_400_000;
const CONTEXT = {
  hostname: "mx2.test",
  id: "n1",
  now: Date.UTC(2026, 0, 1, 13, 5),
  retention: 30 * DAY,
  returned: { whole: false, content: Buffer.from("Subject: hello\r\n") },
};

function draft(mail: Partial<OwedMail> = {}, ...recipients: readonly Partial<OwedRecipient>[]) {
  const owed = recipients.length === 0 ? [owedTo()] : recipients.map((each) => owedTo(each));
  return draftDsn(owedMail({ ...mail, recipients: owed }), owed, CONTEXT);
}

function fields(mail: Partial<OwedMail>, recipient: Partial<OwedRecipient>): Record<string, string> {
  const { perMessage, perRecipient } = draft(mail, recipient);
  return Object.fromEntries([...perMessage, ...(perRecipient[0] ?? [])]);
}

describe("a notice", () => {
  it("says what happened, in whose words, when, and what can be done", () => {
    const { text, subject, to, messageId, inReplyTo } = draft();
    assert.equal(subject, "Not delivered: your mail to bob@one.test");
    assert.deepEqual([to, messageId, inReplyTo], ["ann@friend.test", "<n1@mx2.test>", "<1@friend.test>"]);
    assert.equal(
      text,
      `This is the mail server mx2.test. It accepts mail for one.test and
passes it on to that domain's own server.

Your mail could not be delivered to:

  bob@one.test

      The server of one.test (mail.one.test:25) refused it on Thu, 1 Jan
      2026 13:00:00 +0000 with this reply:

        550 5.1.1 No such user

We received your mail on Thu, 1 Jan 2026 12:00:00 +0000. Its Message-ID
is <1@friend.test>.

What you can do
  - Check the address for mistakes, then send your mail again.
  - If the cause remains unclear, send this notice to
    postmaster@one.test, or contact the recipient in another way.

A machine-readable report and the header of your mail follow. Replies to
this notice are not read.

`,
    );
  });

  it("tells machines the same", () => {
    assert.deepEqual(fields({}, {}), {
      "Reporting-MTA": "dns; mx2.test",
      "Received-From-MTA": "dns; mail.friend.test",
      "Arrival-Date": "Thu, 1 Jan 2026 12:00:00 +0000",
      "Final-Recipient": "rfc822; bob@one.test",
      Action: "failed",
      Status: "5.1.1",
      "Remote-MTA": "dns; mail.one.test",
      "Diagnostic-Code": "smtp; 550 5.1.1 No such user",
      "Last-Attempt-Date": "Thu, 1 Jan 2026 13:00:00 +0000",
    });
  });

  it("names what the sender named", () => {
    const named = fields({ dsn: { envid: "QQ+2B1" } }, { orcpt: "rfc822;Bob+2Bx@old.test" });
    assert.equal(named["Original-Envelope-Id"], "QQ+1");
    assert.equal(named["Original-Recipient"], "rfc822; Bob+x@old.test");
  });

  for (const [kind, lastReply, status] of [
    ["failed", "550 No such user", "5.0.0"],
    ["failed", "552 5.2.2 full", "5.2.2"],
    ["failed", "550 4.2.2 mixed up", "5.0.0"],
    ["failed", "450 later", "5.4.0"],
    ["failed", undefined, "5.0.0"],
    ["expired", "451 4.3.2 later", "4.4.7"],
    ["delayed", "451 4.3.2 later", "4.3.2"],
    ["delayed", undefined, "4.4.1"],
    ["delayed", "connection lost", "4.4.1"],
    ["relayed", "250 2.6.0 queued", "2.6.0"],
    ["relayed", "250 ok", "2.0.0"],
  ] as const)
    it(`status of ${kind} after ${lastReply ?? "silence"}: ${status}`, () => {
      const { lastReply: _, ...bare } = owedTo({ kind });
      const recipient = lastReply === undefined ? bare : { ...bare, lastReply };
      const [only] = draftDsn(owedMail(), [recipient], CONTEXT).perRecipient;
      assert.equal(Object.fromEntries(only ?? [])["Status"], status);
    });

  it("returns the mail in the form of its text, or says that it is gone", () => {
    const returned = (context: Partial<typeof CONTEXT>) =>
      draftDsn(owedMail({ smtpUtf8: true }), [owedTo()], { ...CONTEXT, ...context });
    const headed = returned({});
    assert.deepEqual(headed.returned, { ...CONTEXT.returned, utf8: true });
    const whole = returned({ returned: { ...CONTEXT.returned, whole: true } });
    assert.match(whole.text, /report and your mail follow\. Replies/);
    const { returned: _, ...none } = CONTEXT;
    const gone = draftDsn(owedMail(), [owedTo()], none);
    assert.equal("returned" in gone, false);
    assert.match(gone.text, /Your mail itself is no longer stored\s+here\. Replies\s/);
  });

  it("speaks for all domains that it tells of", () => {
    const { text, subject } = draft({}, {}, { n: 1, address: "eve@two.test", domain: "two.test" });
    assert.match(
      text,
      /accepts mail for one\.test and other\s+domains and passes it on to their own servers\./,
    );
    assert.equal(subject, "Not delivered: your mail to bob@one.test and 1 other");
  });

  it("quotes as a server's words, to machines, only what a server said", () => {
    const unsent = fields({}, { lastReply: "552 5.3.4 The primary takes at most 1000 octets" });
    assert.deepEqual([unsent["Diagnostic-Code"], unsent.Status], [undefined, "5.3.4"]);
    assert.equal(fields({}, { lastReply: "connection lost" })["Diagnostic-Code"], undefined);
    const expired = fields({}, { kind: "expired", lastReply: "connection lost" });
    assert.deepEqual([expired["Diagnostic-Code"], expired["Last-Attempt-Date"]], [undefined, undefined]);
    const { text } = draft(
      {},
      { kind: "expired", lastReply: "connection lost", at: Date.UTC(2026, 0, 4, 12) },
    );
    assert.match(
      text,
      /could not be delivered within 3 days\. The last attempt at the\s+server of one\.test \(mail\.one\.test:25\)\s+ended with:\s+connection lost/,
    );
  });

  it("says that an operator gave it up, where one did, and blames no server for what it was not asked", () => {
    const { lastReply: _, destination: __, ...untried } = owedTo({ kind: "expired" });
    const { text, perRecipient } = draftDsn(owedMail(), [{ ...untried, byOperator: true }], CONTEXT);
    assert.match(text, / The operators of mx2\.test gave it up on Thu, 1 Jan 2026 13:00:00\s+\+0000\.\n\nWe/);
    assert.doesNotMatch(text, /within|reached|available|attempt/);
    assert.equal(Object.fromEntries(perRecipient[0] ?? [])["Status"], "5.0.0");
    const tried = draft({}, { kind: "expired", byOperator: true, lastReply: "451 4.3.2 later" });
    const words = tried.text.replace(/\s+/g, " ");
    assert.match(
      words,
      / gave it up on [^.]+\. The last attempt at the server of one\.test \(mail\.one\.test:25\) ended with: 451 4\.3\.2 later We/,
    );
  });

  it("does not say that a mail is lost which the server may have", () => {
    const may = /It may have been delivered nevertheless: the result of an attempt\s+is\s+unknown\./;
    for (const kind of ["expired", "failed", "delayed"] as const) {
      assert.match(draft({}, { kind, unconfirmed: true }).text, may, kind);
      assert.doesNotMatch(draft({}, { kind }).text, may, kind);
    }
    assert.doesNotMatch(draft({}, { kind: "relayed", unconfirmed: true }).text, may);
  });

  it("does not take our own words for the server's", () => {
    const { text } = draft({}, { lastReply: "552 5.3.4 The primary takes at most 1000 octets" });
    assert.match(text, /The server of one\.test \(mail\.one\.test:25\) cannot accept it/);
    assert.doesNotMatch(text, /refused/);
    assert.match(text, /make it\s+smaller/);
  });

  it("of delay says until when it is tried, and that nothing need be done", () => {
    const at = Date.UTC(2026, 0, 2, 12);
    const { lastReply: _, destination: __, ...unreached } = owedTo({ kind: "delayed", at });
    const late = draftDsn(owedMail(), [unreached], CONTEXT);
    assert.match(late.subject, /^Not yet delivered: /);
    assert.match(late.text, /The server of\s+one.test\s+has\s+not\s+been\s+available/);
    assert.match(late.text, /We received your mail on Thu, 1 Jan 2026 12:00:00\s/);
    assert.match(late.text, /It has been waiting since Fri, 2 Jan 2026 12:00:00\s/);
    assert.match(late.text, /attempted until Sun, 1 Feb 2026 12:00:00\s/);
    assert.match(late.text, /do not need to send it\s+again/);
    const found = Object.fromEntries(late.perRecipient[0] ?? []);
    assert.equal(found["Will-Retry-Until"], "Sun, 1 Feb 2026 12:00:00 +0000");
    assert.equal(found["Last-Attempt-Date"], undefined);
    assert.equal(fields({}, { kind: "delayed" })["Last-Attempt-Date"], undefined);
    assert.match(
      draft({}, { kind: "delayed", lastReply: "421 4.4.2 lost" }).text,
      /ended with:\s+421 4\.4\.2 lost/,
    );
  });

  for (const [lastReply, advice] of [
    ["550 5.1.1 No such user", "Check the address for mistakes, then send your mail again."],
    ["552 5.2.2 Quota", "The mailbox is full: send your mail again later, or tell the recipient."],
    ["552 5.2.3 Too big", "Your mail is too large for that server: make it smaller,"],
    ["552 5.3.4 Too big", "Your mail is too large for that server: make it smaller,"],
    ["550 5.6.7 No SMTPUTF8", "That server does not accept addresses with non-English letters:"],
    ["554 5.7.1 Spam", "The rules of that server do not allow this mail:"],
    ["554 Nothing more", "The text above says what went wrong."],
  ] as const)
    it(`advises on ${lastReply}`, () => {
      const [, said = ""] = draft({}, { lastReply }).text.split("What you can do");
      assert.ok(said.replace(/\s+/g, " ").startsWith(` - ${advice}`), said);
    });

  it("confirms what was passed on, to whom and when, and asks nothing of the sender", () => {
    const { text, perRecipient } = draft({}, { kind: "relayed", lastReply: "250 2.0.0 queued as 7" });
    const words = text.replace(/\s+/g, " ");
    assert.match(
      words,
      /one\.test:25\) accepted it on Thu, 1 Jan 2026 13:00:00 .* was: 250 2\.0\.0 queued as 7/,
    );
    assert.match(words, /What you can do - You do not need to do anything\. A machine/);
    const { Action, "Last-Attempt-Date": date } = Object.fromEntries(perRecipient[0] ?? []);
    assert.deepEqual([Action, date], ["relayed", "Thu, 1 Jan 2026 13:00:00 +0000"]);
  });

  for (const [hours, span] of [
    [0.2, "1 hour"],
    [1.6, "2 hours"],
    [47, "47 hours"],
    [48, "2 days"],
    [720, "30 days"],
  ] as const)
    it(`names ${hours} hours ${span}`, () => {
      const { text } = draft({}, { kind: "expired", at: owedMail().acceptedAt + hours * 3_600_000 });
      assert.ok(text.includes(`It could not be delivered within ${span}.`), text);
      assert.match(text, /- Send your mail again if it still matters\./);
    });

  it("tells refusal and expiry together, yes and no apart", () => {
    const kinds = ["failed", "relayed", "expired", "delayed", "failed"] as const;
    const groups = groupByDsn(kinds.map((kind, n) => owedTo({ kind, n })));
    assert.deepEqual(
      groups.map((group) => group.map(({ n }) => n)),
      [[0, 2, 4], [1], [3]],
    );
  });

  it("stays bounded for a thousand recipients, and the report names them all", () => {
    const many = Array.from({ length: 1000 }, (_, n) => ({
      n,
      address: `user${n}@one.test`,
      lastReply: `550 ${"x".repeat(1000)}`,
    }));
    const { text, perRecipient, subject } = draft({}, ...many);
    assert.ok(text.length < 60_000);
    assert.match(text, /and 950 more/);
    assert.equal(perRecipient.length, 1000);
    assert.equal(subject, "Not delivered: your mail to user0@one.test and 999 others");
  });

  it("speaks ASCII to an ASCII sender, whoever the recipient is", () => {
    const found = fields(
      { smtpUtf8: true },
      { address: "bücher@one.test", orcpt: "utf-8;b\\x{FC}x@one.test" },
    );
    assert.equal(found["Final-Recipient"], "utf-8; b\\x{FC}cher@one.test");
    assert.equal(found["Original-Recipient"], "utf-8; b\\x{FC}x@one.test");
    const { utf8, perRecipient } = draft({ sender: "grå@friend.test" }, { address: "bücher@one.test" });
    assert.equal(utf8, true);
    assert.equal(Object.fromEntries(perRecipient[0] ?? [])["Final-Recipient"], "utf-8; bücher@one.test");
  });

  it("names the server that spoke by its host, or by its address as RFC 5321 §4.1.3 writes it", () => {
    const named = (destination: string): string | undefined => fields({}, { destination })["Remote-MTA"];
    assert.equal(named("192.0.2.7:2525"), "dns; [192.0.2.7]");
    assert.equal(named("[2001:db8::7]:25"), "dns; [IPv6:2001:db8::7]");
    assert.equal(named("mail.one.test:25"), "dns; mail.one.test");
  });

  it("writes what is special in xtext so that its reader gets the address back, RFC 6533 §3", () => {
    const recipient = { address: '"ü \\\\+20="@one.test', orcpt: "utf-8;a\\x{2B}20\\x{FC}@one.test" };
    const found = fields({ smtpUtf8: true }, recipient);
    assert.equal(found["Final-Recipient"], 'utf-8; "\\x{FC}\\x{20}\\x{5C}\\x{5C}\\x{2B}20\\x{3D}"@one.test');
    assert.equal(found["Original-Recipient"], "utf-8; a\\x{2B}20\\x{FC}@one.test");
    const plain = fields({}, { address: '"a +="@one.test', orcpt: "rfc822;a+2B20@one.test" });
    assert.equal(plain["Final-Recipient"], 'rfc822; "a +="@one.test');
    assert.equal(plain["Original-Recipient"], "rfc822; a+20@one.test");
    const raw = fields({ sender: "grå@friend.test", smtpUtf8: true }, { address: "ü+20@one.test" });
    assert.equal(raw["Final-Recipient"], "utf-8; ü+20@one.test");
  });

  for (const sender of ["ann@friend.test", "grå@friend.test"])
    it(`keeps lines within 998 octets, and characters whole, told to ${sender}`, () => {
      const local = "ü".repeat(120);
      const found = fields(
        { sender },
        { lastReply: `550 x${"😀ü€".repeat(333)}`, address: `${local}@one.test` },
      );
      for (const [name, value] of Object.entries(found))
        assert.ok(Buffer.byteLength(`${name}: ${value}`) <= 998, name);
      const words = sender === "ann@friend.test" ? /^(?:\\x\{(?:1F600|FC|20AC)\})+$/ : /^[😀ü€]+$/u;
      assert.match(found["Diagnostic-Code"] ?? "", /^smtp; 550 x/);
      assert.match(found["Diagnostic-Code"]?.slice("smtp; 550 x".length) ?? "", words);
      const whole = sender === "ann@friend.test" ? "\\x{FC}".repeat(120) : local;
      assert.equal(found["Final-Recipient"], `utf-8; ${whole}@one.test`, "an address is not cut");
    });

  for (const sender of ["ann@friend.test", "grå@friend.test"])
    it(`lets no word of a stranger begin a line of its own, told to ${sender}`, () => {
      const evil = "550 no\r\nSubject: evil\r\n\r\n\u2028--boundary";
      const { text, perRecipient, perMessage, inReplyTo } = draft(
        { sender, messageId: "<a@b>\r\nBcc: x@y", client: { ip: "::1", helo: "a\r\nb" } },
        { lastReply: evil, address: "bob@one.test" },
      );
      assert.equal(inReplyTo, undefined);
      for (const [, value] of [...perMessage, ...perRecipient.flat()])
        assert.doesNotMatch(value, /[\r\n\u2028]/);
      assert.doesNotMatch(text, /^Subject: evil|\r/m);
    });
});
