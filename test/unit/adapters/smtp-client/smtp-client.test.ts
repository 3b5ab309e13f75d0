import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { smtpClient } from "../../../../src/adapters/smtp-client/smtp-client.ts";
import type { Outcome } from "../../../../src/mail/outcome.ts";
import { BodyDamaged, type BodySource } from "../../../../src/ports/stored-body.ts";
import { DestinationTrouble, type Target } from "../../../../src/ports/smtp-client.ts";
import type { TlsLevel } from "../../../../src/ports/directory.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { bodySource } from "../../../support/body-source.ts";
import { claimedMail, TOP_FIELDS } from "../../../support/claimed-mail.ts";
import { fakePrimary, type Behaviour, type FakePrimary } from "../../../support/fake-primary.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { converseWith, targetAt, type PrimaryConversation } from "../../../support/primary-conversation.ts";
import { tempFolder } from "../../../support/temp-folder.ts";
import { makeCertificate } from "../../../support/test-certificate.ts";
import { waitFor } from "../../../support/wait.ts";

const client = smtpClient({ hostname: "mx2.test", clock: systemClock(), connect: 5000, greeting: 5000 });
const LOGIN = { user: "u", passwordEnv: "SECRET" };

function at({ port }: FakePrimary, tls: TlsLevel = "none", host = "127.0.0.1"): Target {
  return targetAt(port, { tls, host });
}

function kinds(outcomes: ReadonlyMap<number, Outcome>): Record<number, string> {
  return Object.fromEntries([...outcomes].map(([n, outcome]) => [n, describeOutcome(outcome)]));
}

function describeOutcome(outcome: Outcome): string {
  return "reply" in outcome ? `${outcome.kind} ${outcome.reply.code}` : outcome.kind;
}

function converse(behaviour: Behaviour): Promise<PrimaryConversation> {
  return converseWith(client, behaviour);
}

/** Refuses addresses by how they begin. */
function onRcpt(recipient: string): string | undefined {
  if (recipient.startsWith("gone")) return "550 5.1.1 no such user";
  return recipient.startsWith("full") ? "452 4.2.2 full" : undefined;
}

async function refusedAt(behaviour: Behaviour, mail = claimedMail()): Promise<string | undefined> {
  await using run = await converse(behaviour);
  return (await run.conversation.send(mail)).refusedAt;
}

/** A body that fails while it is read. */
function failing(): BodySource {
  return bodySource(
    (function* () {
      yield Buffer.from("Subject: x\r\n");
      throw new Error("EIO");
    })(),
  );
}

async function troubleOf(behaviour: Behaviour, tls: TlsLevel = "none"): Promise<DestinationTrouble> {
  await using primary = await fakePrimary(behaviour);
  return await client.converse(at(primary, tls)).then(
    () => assert.fail("it went well"),
    (error: unknown) => {
      assert.ok(error instanceof DestinationTrouble, String(error));
      return error;
    },
  );
}

const PLAIN = ["SIZE 100000000", "8BITMIME"];

describe("a mail", () => {
  const bodies: Readonly<Record<string, Buffer>> = {
    "plain text": Buffer.from("Subject: x\r\n\r\nhello\r\n"),
    "dots at line starts": Buffer.from(".first\r\n..\r\n.\r\n\r\n.\r\nmid.dle\r\n.\r\n"),
    nothing: Buffer.alloc(0),
    "all octets in text lines": Buffer.concat([
      Buffer.from(Array.from({ length: 256 }, (_, i) => i).filter((i) => i !== 10 && i !== 13)),
      Buffer.from("\r\n"),
    ]),
    "a long line": Buffer.from(`${"x".repeat(200_000)}\r\n`),
  };
  for (const [name, body] of Object.entries(bodies)) {
    test(`arrives octet by octet: ${name}`, async () => {
      await using run = await converse({});
      const result = await run.conversation.send(claimedMail({ body }));
      assert.deepEqual(kinds(result.outcomes), { 10: "delivered 250" });
      const expected = Buffer.concat([Buffer.from(TOP_FIELDS), body]);
      assert.ok(run.primary.mails[0]?.data.equals(expected));
    });
    test(`arrives octet by octet as a stream: ${name}`, async () => {
      await using run = await converse({});
      for (const size of [1, 3, 7, 1000]) {
        if (body.length > 10_000 && size < 1000) continue;
        const parts = Array.from({ length: Math.ceil(body.length / size) }, (_, i) =>
          body.subarray(i * size, (i + 1) * size),
        );
        await run.conversation.send(claimedMail({ body: () => bodySource(parts) }));
        const expected = Buffer.concat([Buffer.from(TOP_FIELDS), body]);
        assert.ok(run.primary.mails.at(-1)?.data.equals(expected), `parts of ${size}`);
      }
    });
  }

  test("that does not end with CRLF gets one", async () => {
    await using run = await converse({});
    await run.conversation.send(claimedMail({ body: Buffer.from("\r\nno end") }));
    assert.equal(run.primary.mails[0]?.data.toString(), `${TOP_FIELDS}\r\nno end\r\n`);
  });

  test("of 5 MB is streamed", async () => {
    await using run = await converse({});
    const blocks = Array.from({ length: 80 }, (_, n) =>
      Buffer.from(`${String(n).repeat(511)}\r\n`.repeat(64)),
    );
    const result = await run.conversation.send(claimedMail({ body: () => bodySource(blocks) }));
    assert.deepEqual(kinds(result.outcomes), { 10: "delivered 250" });
    assert.ok(run.primary.mails[0]?.data.equals(Buffer.concat([Buffer.from(TOP_FIELDS), ...blocks])));
  });

  test("is sent with its envelope as stored, in one batch if the peer pipelines", async () => {
    await using run = await converse({ extensions: ["PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8"] });
    const body = Buffer.from("\r\nä\r\n");
    await run.conversation.send(
      claimedMail({ sender: "", to: ['"a <b>"@a.test', "ü@a.test"], eightBit: true, smtpUtf8: true, body }),
    );
    assert.deepEqual(run.primary.commands.slice(1), [
      `MAIL FROM:<> SIZE=${TOP_FIELDS.length + body.length} BODY=8BITMIME SMTPUTF8`,
      'RCPT TO:<"a <b>"@a.test>',
      "RCPT TO:<ü@a.test>",
      "DATA",
    ]);
  });

  test("in eight bits is sent unchanged to a peer without 8BITMIME", async () => {
    await using run = await converse({ extensions: [] });
    await run.conversation.send(claimedMail({ eightBit: true, body: Buffer.from("\r\nä\r\n") }));
    assert.equal(run.primary.mails[0]?.mailLine, "MAIL FROM:<sender@elsewhere.test>");
    assert.ok(run.primary.mails[0]?.data.toString().endsWith("ä\r\n"));
  });

  test("that needs SMTPUTF8 is refused by the client if the peer lacks it, and the connection stays open", async () => {
    await using run = await converse({ extensions: PLAIN });
    const { outcomes, trouble } = await run.conversation.send(claimedMail({ smtpUtf8: true }));
    const outcome = outcomes.get(10);
    assert.ok(outcome?.kind === "refused" && outcome.reply.enhanced === "5.6.7");
    assert.equal(trouble, undefined);
    assert.equal((await run.conversation.send(claimedMail())).outcomes.get(10)?.kind, "delivered");
  });

  test("reports whether it was refused as a whole at MAIL, at its body or by the client, but not for recipients", async () => {
    for (const extensions of [["PIPELINING", "SIZE 1000"], ["SIZE 1000"]]) {
      assert.equal(await refusedAt({ extensions, onMail: () => "550 5.7.1 no" }), "mail");
      assert.equal(await refusedAt({ extensions, onData: () => "554 5.7.1 no" }), "body");
      assert.equal(await refusedAt({ extensions, onDot: () => "550 5.7.1 spam" }), "body");
      assert.equal(await refusedAt({ extensions }, claimedMail({ size: 10_000 })), "here");
      assert.equal(await refusedAt({ extensions, onRcpt }, claimedMail({ to: ["gone@a.test"] })), undefined);
      assert.equal(await refusedAt({ extensions }), undefined);
    }
  });

  test("reports the recipients refused by their own reply before DATA or the body was refused", async () => {
    const to = ["gone@a.test", "full@a.test", "ok@a.test"];
    for (const keywords of [[], ["PIPELINING"], ["PIPELINING", "CHUNKING"]])
      for (const said of ["554 5.7.1 spam", "451 4.3.0 later"])
        for (const step of keywords.length < 2 ? ["onData", "onDot"] : ["onDot"]) {
          await using run = await converse({ extensions: keywords, onRcpt, [step]: () => said });
          const result = await run.conversation.send(claimedMail({ to }));
          const { refusedAt: at, singly = [] } = result;
          assert.deepEqual([at, ...singly], ["body", 10], `${keywords.join(" ")} ${said} ${step}`);
          const rest = said.startsWith("5") ? "refused 554" : "deferred 451";
          assert.deepEqual(kinds(result.outcomes), { 10: "refused 550", 11: "deferred 452", 12: rest });
        }
  });

  test("larger than the peer's SIZE is refused by the client", async () => {
    await using run = await converse({ extensions: ["SIZE 100"] });
    const { outcomes } = await run.conversation.send(claimedMail({ size: 200 }));
    assert.deepEqual(kinds(outcomes), { 10: "refused 552" });
    assert.ok(!run.primary.commands.some((line) => line.startsWith("MAIL")));
  });

  test("and others follow each other over one connection", async () => {
    await using run = await converse({});
    for (let i = 0; i < 50; i++) await run.conversation.send(claimedMail());
    await run.conversation.quit();
    assert.equal(run.primary.mails.length, 50);
    assert.equal(run.primary.connections, 1);
    assert.equal(run.primary.commands.at(-1), "QUIT");
    assert.equal(run.conversation.phase, "over");
  });
});

for (const pipelined of [true, false]) {
  const extensions = pipelined ? ["PIPELINING", ...PLAIN] : PLAIN;
  describe(pipelined ? "recipients, pipelined" : "recipients, step by step", () => {
    test("each has an outcome of its own, also an address that occurs twice", async () => {
      await using run = await converse({ extensions, onRcpt });
      const to = ["gone@a.test", "ok@a.test", "full@a.test", "gone@a.test"];
      const { outcomes, trouble } = await run.conversation.send(claimedMail({ to }));
      assert.deepEqual(kinds(outcomes), {
        10: "refused 550",
        11: "delivered 250",
        12: "deferred 452",
        13: "refused 550",
      });
      assert.equal(trouble, undefined);
      assert.deepEqual(run.primary.mails[0]?.recipients, ["ok@a.test"]);
    });

    test("too many: 552 and 5.5.3 mean that as well, but only behind an accepted recipient", async () => {
      const answers = { b: "552 too many", c: "554 5.5.3 too many", d: "552 5.2.2 full", e: "550 no" };
      const told = async (to: readonly string[]): Promise<Record<number, string>> => {
        const said = (address: string): string | undefined => Object(answers)[address.charAt(0)];
        await using run = await converse({ extensions, onRcpt: said });
        const { outcomes } = await run.conversation.send(
          claimedMail({ to: to.map((name) => `${name}@a.test`) }),
        );
        return kinds(outcomes);
      };
      assert.deepEqual(await told(["a", "b", "c", "d", "e"]), {
        10: "delivered 250",
        11: "deferred 452",
        12: "deferred 452",
        13: "refused 552",
        14: "refused 550",
      });
      assert.deepEqual(await told(["b", "c"]), { 10: "refused 552", 11: "refused 554" });
    });

    test("all refused: no body goes out and the next mail is delivered", async () => {
      await using run = await converse({ extensions, onRcpt });
      const { outcomes } = await run.conversation.send(claimedMail({ to: ["gone@a.test", "full@a.test"] }));
      assert.deepEqual(kinds(outcomes), { 10: "refused 550", 11: "deferred 452" });
      assert.equal(run.primary.mails.length, 0);
      assert.equal(run.primary.commands.includes("DATA"), pipelined);
      assert.ok(!run.primary.commands.includes("."));
      const next = await run.conversation.send(claimedMail());
      assert.deepEqual(kinds(next.outcomes), { 10: "delivered 250" });
    });

    test("a refused sender is the outcome of all", async () => {
      await using run = await converse({ extensions, onMail: () => "451 4.7.1 greylisted" });
      const { outcomes, trouble } = await run.conversation.send(
        claimedMail({ to: ["a@a.test", "b@a.test"] }),
      );
      assert.deepEqual(kinds(outcomes), { 10: "deferred 451", 11: "deferred 451" });
      assert.equal(trouble, undefined);
      assert.equal(run.conversation.phase, "idle");
      const verbs = run.primary.commands.slice(1).map((line) => line.slice(0, 4));
      assert.deepEqual(verbs, pipelined ? ["MAIL", "RCPT", "RCPT", "DATA"] : ["MAIL"]);
    });

    test("250 in place of the reply to DATA is no permission to send and no delivery, and makes refusals doubtful", async () => {
      await using run = await converse({ extensions, onRcpt, onData: () => "250 2.1.5 ok" });
      const mail = claimedMail({ to: ["gone@a.test", "ok@a.test"] });
      const { outcomes, singly } = await run.conversation.send(mail);
      assert.deepEqual(kinds(outcomes), { 10: "deferred 451", 11: "deferred 451" });
      assert.equal(singly, undefined);
      assert.equal(run.primary.commands.at(-1), "DATA");
    });

    test("a refused DATA and a refused body belong to the mail", async () => {
      await using run = await converse({ extensions });
      const { primary, conversation } = run;
      primary.behaviour.onData = () => "451 4.3.0 not now";
      assert.deepEqual(kinds((await conversation.send(claimedMail())).outcomes), { 10: "deferred 451" });
      delete primary.behaviour.onData;
      primary.behaviour.onDot = () => "554 5.7.1 spam";
      assert.deepEqual(kinds((await conversation.send(claimedMail())).outcomes), { 10: "refused 554" });
      delete primary.behaviour.onDot;
      assert.deepEqual(kinds((await conversation.send(claimedMail())).outcomes), { 10: "delivered 250" });
    });

    test("a body that is answered with 3xx is tried again", async () => {
      await using run = await converse({ extensions, onDot: () => "300 and now?" });
      const { outcomes, refusedAt } = await run.conversation.send(claimedMail());
      assert.deepEqual([kinds(outcomes), refusedAt], [{ 10: "deferred 451" }, "body"]);
    });

    test("421 at any step ends the session and defers the mail", async () => {
      const steps: Behaviour[] = [
        { onMail: () => "421 4.3.2 closing" },
        { onRcpt: () => "421 4.3.2 closing" },
        { onData: () => "421 4.3.2 closing" },
        { onDot: () => "421 4.3.2 closing" },
      ];
      for (const step of steps) {
        await using run = await converse({ extensions, ...step });
        const { outcomes, trouble } = await run.conversation.send(claimedMail());
        assert.deepEqual(kinds(outcomes), { 10: "deferred 421" });
        assert.equal(trouble?.stage, "session");
        assert.equal(trouble?.reply?.code, 421);
        assert.equal(run.conversation.phase, "over");
      }
    });
  });
}

function clientOf(ip: string) {
  return { client: { ip, helo: "a b=c", name: "client.test" } };
}

describe("the client's identity", () => {
  const POSTFIX = [
    "PIPELINING",
    "XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT",
    "XCLIENT NAME ADDR PROTO HELO LOGIN",
  ];
  test("is sent by XFORWARD before MAIL if that is offered, whatever the reply", async () => {
    for (const extensions of [POSTFIX, POSTFIX.slice(1)]) {
      await using run = await converse({ extensions });
      await run.conversation.send(claimedMail(clientOf("192.0.2.7")));
      await run.conversation.send(claimedMail({ topFields: "Received: from x by y with SMTP id z\r\n" }));
      const lines = run.primary.commands.filter((line) => /^(XFORWARD|MAIL)/.test(line));
      assert.deepEqual(
        lines.map((line) => line.replace(/ FROM.*/, "")),
        [
          "XFORWARD NAME=client.test ADDR=192.0.2.7 PORT=[UNAVAILABLE] PROTO=ESMTP HELO=a+20b+3Dc SOURCE=REMOTE IDENT=m1",
          "MAIL",
          "XFORWARD NAME=[UNAVAILABLE] ADDR=192.0.2.1 PORT=[UNAVAILABLE] PROTO=SMTP HELO=client.test SOURCE=REMOTE IDENT=m1",
          "MAIL",
        ],
      );
      assert.equal(run.primary.mails.length, 2);
    }
  });

  test("includes the port in XFORWARD, and port and our address in XCLIENT, if they are known", async () => {
    const facts = { ip: "192.0.2.7", helo: "h", port: 4025, server: "2001:db8::25" };
    const extensions = ["XFORWARD ADDR PORT", "XCLIENT ADDR PORT DESTADDR"];
    await using run = await converse({ extensions });
    await run.conversation.send(claimedMail({ client: facts }));
    await run.conversation.send(claimedMail());
    const told = run.primary.commands.filter((line) => line.startsWith("XFORWARD"));
    assert.deepEqual(told, [
      "XFORWARD ADDR=192.0.2.7 PORT=4025",
      "XFORWARD ADDR=192.0.2.1 PORT=[UNAVAILABLE]",
    ]);
    await using primary = await fakePrimary({ extensions });
    const conversation = await client.converse({ ...at(primary), identity: "xclient" });
    await conversation.send(claimedMail({ client: facts }));
    await conversation.quit();
    const line = primary.commands.find((command) => command.startsWith("XCLIENT"));
    assert.equal(line, "XCLIENT ADDR=192.0.2.7 PORT=4025 DESTADDR=IPV6:2001:db8::25");
  });

  test("is sent by XCLIENT once for all mails of one client, followed by EHLO", async () => {
    await using primary = await fakePrimary({ extensions: POSTFIX });
    const conversation = await client.converse({ ...at(primary), identity: "xclient" });
    for (const ip of ["192.0.2.7", "192.0.2.7", "2001:db8::7"]) {
      assert.ok(conversation.takes(claimedMail(clientOf(ip))));
      await conversation.send(claimedMail(clientOf(ip)));
    }
    await conversation.quit();
    const verbs = primary.commands.filter((line) => /^(XCLIENT|EHLO|MAIL)/.test(line));
    assert.deepEqual(
      verbs.map((line) => line.replace(/(EHLO|MAIL).*/, "$1")),
      [
        "EHLO",
        "XCLIENT NAME=client.test ADDR=192.0.2.7 PROTO=ESMTP HELO=a+20b+3Dc",
        "EHLO",
        "MAIL",
        "MAIL",
        "XCLIENT NAME=client.test ADDR=IPV6:2001:db8::7 PROTO=ESMTP HELO=a+20b+3Dc",
        "EHLO",
        "MAIL",
      ],
    );
    assert.equal(primary.mails.length, 3);
  });

  test("a refused mail leaves no open transaction to the next one, with and without another XCLIENT", async () => {
    await using primary = await fakePrimary({ extensions: POSTFIX, onRcpt });
    const conversation = await client.converse({ ...at(primary), identity: "xclient" });
    for (const [ip, to, kind] of [
      ["192.0.2.7", "gone@a.test", "refused 550"],
      ["192.0.2.7", "ok@a.test", "delivered 250"],
      ["192.0.2.7", "gone@a.test", "refused 550"],
      ["192.0.2.8", "ok@a.test", "delivered 250"],
    ] as const) {
      const { outcomes } = await conversation.send(claimedMail({ ...clientOf(ip), to: [to] }));
      assert.deepEqual(kinds(outcomes), { 10: kind });
    }
    await conversation.quit();
  });

  test("a session that accepts one XCLIENT only takes no mail of another client", async () => {
    await using primary = await fakePrimary({ extensions: POSTFIX, singleXclient: true });
    const conversation = await client.converse({ ...at(primary), identity: "xclient" });
    assert.ok(conversation.takes(claimedMail(clientOf("192.0.2.7"))));
    await conversation.send(claimedMail(clientOf("192.0.2.7")));
    assert.ok(conversation.takes(claimedMail(clientOf("192.0.2.7"))));
    assert.ok(!conversation.takes(claimedMail(clientOf("192.0.2.8"))));
    await conversation.quit();
  });

  test("a mail of another client is not taken while the first mail is in flight, even before its XCLIENT", async () => {
    await using primary = await fakePrimary({ extensions: POSTFIX, singleXclient: true });
    const conversation = await client.converse({ ...at(primary), identity: "xclient" });
    const sending = conversation.send(claimedMail(clientOf("192.0.2.7")));
    assert.ok(conversation.takes(claimedMail(clientOf("192.0.2.7"))));
    assert.ok(!conversation.takes(claimedMail(clientOf("192.0.2.8"))));
    assert.deepEqual(kinds((await sending).outcomes), { 10: "delivered 250" });
    await conversation.quit();
  });

  test("a primary that refuses XCLIENT still gets the mail", async () => {
    await using primary = await fakePrimary({ extensions: POSTFIX, onXclient: () => "550 5.7.0 not you" });
    const conversation = await client.converse({ ...at(primary), identity: "xclient" });
    await conversation.send(claimedMail());
    await conversation.quit();
    assert.equal(primary.mails.length, 1);
  });

  test("a mail is not sent in the name of the previous client when a primary refuses the second XCLIENT", async () => {
    let named = 0;
    const onXclient = (): string | undefined => (++named > 1 ? "550 5.7.0 not again" : undefined);
    await using primary = await fakePrimary({ extensions: POSTFIX, onXclient });
    const conversation = await client.converse({ ...at(primary), identity: "xclient" });
    await conversation.send(claimedMail(clientOf("192.0.2.7")));
    const { outcomes, trouble } = await conversation.send(claimedMail(clientOf("192.0.2.8")));
    assert.deepEqual(kinds(outcomes), { 10: "deferred 421" });
    assert.equal(trouble?.message, "it answered 550 not again");
    assert.equal(primary.mails.length, 1);
  });

  test("a primary that refuses EHLO after XCLIENT has not refused the mail", async () => {
    let greeted = 0;
    const behaviour: Behaviour = {
      extensions: POSTFIX,
      onEhlo: () => (++greeted > 1 ? "550 5.7.1 not from there" : undefined),
      onMail: () => (greeted > 1 ? "503 5.5.1 EHLO first" : undefined),
    };
    await using primary = await fakePrimary(behaviour);
    const conversation = await client.converse({ ...at(primary), identity: "xclient" });
    const { outcomes, trouble } = await conversation.send(claimedMail());
    assert.deepEqual(kinds(outcomes), { 10: "deferred 421" });
    assert.equal(trouble?.message, "it answered 550 not from there");
  });

  test("an XFORWARD line stays below 512 octets", async () => {
    await using run = await converse({ extensions: POSTFIX });
    const long = { ip: "192.0.2.7", helo: "h ".repeat(200), name: "n".repeat(250) };
    await run.conversation.send(claimedMail({ client: long }));
    const lines = run.primary.commands.filter((line) => line.startsWith("XFORWARD"));
    assert.ok(lines.length > 1 && lines.every((line) => line.length <= 800));
    assert.equal(run.primary.mails.length, 1);
  });
});

test("a peer that takes DATA although it refused all recipients gets an empty body", async () => {
  await using run = await converse({ onRcpt: () => "550 no", onData: () => "354 go on" });
  const { outcomes } = await run.conversation.send(claimedMail());
  assert.deepEqual(kinds(outcomes), { 10: "refused 550" });
  run.primary.behaviour.onDot = () => "554 5.5.1 no valid recipients";
  const again = await run.conversation.send(claimedMail());
  assert.deepEqual([kinds(again.outcomes), again.refusedAt], [{ 10: "refused 550" }, undefined]);
  delete run.primary.behaviour.onDot;
  assert.equal(run.primary.mails[0]?.data.length, 0);
  delete run.primary.behaviour.onRcpt;
  assert.deepEqual(kinds((await run.conversation.send(claimedMail())).outcomes), { 10: "delivered 250" });
});

describe("a broken connection", () => {
  for (const act of ["close", "reset"] as const) {
    test(`after the final dot leaves the mail unconfirmed: ${act}`, async () => {
      await using run = await converse({ onDot: () => act });
      const { outcomes, trouble } = await run.conversation.send(claimedMail());
      assert.deepEqual(kinds(outcomes), { 10: "unconfirmed" });
      assert.equal(trouble?.stage, "session");
    });

    test(`before the final dot defers it: ${act}`, async () => {
      await using run = await converse({ midData: { after: 100_000, act } });
      const chunk = Buffer.from(`${"z".repeat(998)}\r\n`.repeat(60));
      const endless = function* (): Generator<Buffer> {
        for (;;) yield chunk;
      };
      const { outcomes } = await run.conversation.send(claimedMail({ body: () => bodySource(endless()) }));
      assert.deepEqual(kinds(outcomes), { 10: "deferred 421" });
    });

    test(`in the envelope defers it: ${act}`, async () => {
      for (const step of [{ onMail: () => act }, { onRcpt: () => act }, { onData: () => act }] as const) {
        await using run = await converse({ extensions: PLAIN, ...step });
        const { outcomes, trouble } = await run.conversation.send(claimedMail());
        assert.deepEqual(kinds(outcomes), { 10: "deferred 421" });
        assert.equal(trouble?.stage, "session");
      }
    });
  }

  test("with a last reply in the middle of a body is trouble of the primary, whatever the reply", async () => {
    const chunk = Buffer.from(`${"z".repeat(998)}\r\n`.repeat(60));
    const endless = function* (): Generator<Buffer> {
      for (;;) yield chunk;
    };
    for (const act of ["421 4.3.2 going down", "552 5.3.4 too large"]) {
      await using run = await converse({ midData: { after: 100_000, act } });
      const { outcomes, trouble } = await run.conversation.send(
        claimedMail({ body: () => bodySource(endless()) }),
      );
      assert.deepEqual(kinds(outcomes), { 10: "deferred 421" });
      assert.deepEqual([trouble?.stage, trouble?.reply?.code], ["session", Number(act.slice(0, 3))]);
    }
  });

  test("with a last reply while a mail follows its envelope is reported with that reply", async () => {
    const extensions = ["PIPELINING", "CHUNKING"];
    await using run = await converse({ extensions, onMail: () => "421 4.3.2 going down" });
    const mails = [claimedMail({ body: Buffer.alloc(20_000_000, "x\r\n") }), claimedMail()];
    const results = await Promise.all(mails.map((mail) => run.conversation.send(mail)));
    assert.deepEqual(
      results.map(({ outcomes }) => kinds(outcomes)),
      [{ 10: "deferred 421" }, { 10: "released" }],
    );
    assert.equal(results[0]?.trouble?.reply?.text, "going down");
  });

  test("closes a large body, as every other end does", async () => {
    const large = (): BodySource => bodySource([Buffer.alloc(100_000, "x\r\n"), Buffer.from("end\r\n")]);
    const ways: readonly (readonly [string, Behaviour, () => BodySource])[] = [
      ["delivered", {}, large],
      ["unconfirmed", { onDot: () => "close" }, large],
      ["deferred", {}, failing],
    ];
    for (const [kind, behaviour, opened] of ways) {
      await using run = await converse(behaviour);
      let open = 0;
      const counted = (): BodySource => {
        open += 1;
        const source = opened();
        return { read: (target) => source.read(target), close: async () => void (open -= 1) };
      };
      const { outcomes } = await run.conversation.send(claimedMail({ body: counted }));
      assert.deepEqual([outcomes.get(10)?.kind, open], [kind, 0]);
    }
  });

  test("keeps the replies to other recipients", async () => {
    await using run = await converse({
      onRcpt: (recipient) => (recipient.startsWith("gone") ? "550 no" : undefined),
      onDot: () => "close",
    });
    const { outcomes } = await run.conversation.send(claimedMail({ to: ["gone@a.test", "ok@a.test"] }));
    assert.deepEqual(kinds(outcomes), { 10: "refused 550", 11: "unconfirmed" });
  });

  test("behind a refused recipient leaves it refused, so that the others are tried again without it", async () => {
    await using run = await converse({
      onRcpt: (recipient) => (recipient.startsWith("gone") ? "550 no" : "close"),
    });
    const { outcomes } = await run.conversation.send(claimedMail({ to: ["gone@a.test", "ok@a.test"] }));
    assert.deepEqual(kinds(outcomes), { 10: "refused 550", 11: "deferred 421" });
  });

  for (const keywords of [[], ["PIPELINING"], ["PIPELINING", "CHUNKING"]])
    for (const [words, lastWords] of [
      ["550 no", /^550/],
      ["550 no", /^503/],
      ["550 no\r\n421 bye", /421/],
    ] as const)
      test(`behind a refused sender leaves the mail refused: ${keywords.join(" ")} ${lastWords}`, async () => {
        await using run = await converse({ extensions: keywords, onMail: () => words, lastWords });
        const to = ["a@a.test", "b@a.test"];
        const { outcomes, refusedAt: at } = await run.conversation.send(claimedMail({ to }));
        assert.deepEqual(kinds(outcomes), { 10: "refused 550", 11: "refused 550" });
        assert.equal(at, "mail");
      });

  test("to a peer that has not read the whole body defers the mail, because the dot never left", async () => {
    await using run = await converse({ stopReading: true });
    const sending = run.conversation.send(claimedMail({ body: Buffer.alloc(20_000_000, "x\r\n") }));
    await waitFor(
      { what: "the dot is handed to the socket", deadline: 20_000 },
      () => run.conversation.phase === "dot",
    );
    run.conversation.abort();
    assert.deepEqual(kinds((await sending).outcomes), { 10: "deferred 421" });
  });

  test("a peer that takes no more octets is given up after 3 min", async () => {
    const clock = new ManualClock();
    await using primary = await fakePrimary({ stopReading: true });
    const conversation = await smtpClient({ hostname: "mx2.test", clock }).converse(at(primary));
    const chunk = Buffer.alloc(65_536, "x");
    let chunks = 0;
    const endless = function* (): Generator<Buffer> {
      for (;;) {
        chunks += 1;
        yield chunk;
      }
    };
    const sending = conversation.send(claimedMail({ body: () => bodySource(endless()) }));
    let before = 0;
    await waitFor({ what: "the body stands still", deadline: 20_000, every: 50 }, () => {
      const still = chunks > 0 && chunks === before;
      before = chunks;
      return still;
    });
    clock.advance(181_000);
    assert.deepEqual(kinds((await sending).outcomes), { 10: "deferred 421" });
  });

  test("a peer that takes no more octets of mails that follow each other is given up after 3 min, too", async () => {
    const clock = new ManualClock();
    await using primary = await fakePrimary({ extensions: ["PIPELINING", "CHUNKING"], stopReading: true });
    const conversation = await smtpClient({ hostname: "mx2.test", clock }).converse(at(primary));
    const sending = conversation.send(claimedMail({ body: Buffer.alloc(20_000_000, "x\r\n") }));
    await waitFor({ what: "the body goes out", deadline: 20_000 }, () =>
      primary.commands.some((line) => line.startsWith("BDAT")),
    );
    clock.advance(181_000);
    assert.equal((await sending).trouble?.message, "the peer accepts no more octets");
  });

  test("silence after the dot ends after 10 min as unconfirmed", async () => {
    const clock = new ManualClock();
    await using primary = await fakePrimary({ onDot: () => "silence" });
    const conversation = await smtpClient({ hostname: "mx2.test", clock }).converse(at(primary));
    const sending = conversation.send(claimedMail());
    await primary.received(1);
    clock.advance(599_000);
    assert.equal(conversation.phase, "dot");
    clock.advance(2_000);
    assert.deepEqual(kinds((await sending).outcomes), { 10: "unconfirmed" });
  });

  test("abort after the dot is unconfirmed", async () => {
    await using run = await converse({ onDot: () => "silence" });
    assert.equal(run.conversation.phase, "idle");
    const sending = run.conversation.send(claimedMail());
    assert.equal(run.conversation.phase, "envelope");
    await run.primary.received(1);
    assert.equal(run.conversation.phase, "dot");
    run.conversation.abort();
    assert.equal(run.conversation.phase, "over");
    assert.deepEqual(kinds((await sending).outcomes), { 10: "unconfirmed" });
  });

  test("while idle is noticed before the next mail, which is released", async () => {
    await using run = await converse({});
    await run.primary.close();
    await waitFor({ what: "the end is seen", deadline: 20_000 }, () => run.conversation.phase === "over");
    const { outcomes, trouble } = await run.conversation.send(claimedMail());
    assert.deepEqual(kinds(outcomes), { 10: "released" });
    assert.equal(trouble?.stage, "session");
  });

  test("a body that cannot be read ends the connection without a dot, and is no trouble of the primary", async () => {
    await using run = await converse({});
    const { outcomes, trouble } = await run.conversation.send(claimedMail({ body: failing }));
    assert.deepEqual(kinds(outcomes), { 10: "deferred 451" });
    assert.equal(trouble, undefined);
    assert.equal(run.conversation.phase, "over");
    assert.equal(run.primary.mails.length, 0);
  });
});

describe("a body that differs from the accepted one", () => {
  const damaged = (): never => {
    throw new BodyDamaged("another SHA-256");
  };

  test("is noticed before its mail begins, and the connection stays open", async () => {
    await using run = await converse({ extensions: ["PIPELINING"] });
    const sending = [claimedMail(), claimedMail({ body: damaged }), claimedMail()].map((mail) =>
      run.conversation.send(mail),
    );
    const results = await Promise.all(sending);
    assert.deepEqual(
      results.map(({ outcomes }) => kinds(outcomes)),
      [{ 10: "delivered 250" }, { 10: "damaged" }, { 10: "delivered 250" }],
    );
    assert.deepEqual(results[1]?.outcomes.get(10), { kind: "damaged", why: "another SHA-256" });
    assert.equal(run.conversation.phase, "idle");
    assert.equal(run.primary.mails.length, 2);
  });

  for (const extensions of [[], ["PIPELINING", "CHUNKING"]])
    test(`is not completed if the difference is seen at its end (${extensions.join(" ")})`, async () => {
      await using run = await converse({ extensions });
      const pieces = function* (): Generator<Buffer> {
        yield Buffer.from("Subject: x\r\n\r\n");
        yield Buffer.alloc(100_000, "x");
        damaged();
      };
      const mail = claimedMail({ body: () => bodySource(pieces()), size: 100_014 });
      const { outcomes, trouble } = await run.conversation.send(mail);
      assert.deepEqual(kinds(outcomes), { 10: "damaged" });
      assert.equal(trouble, undefined);
      assert.equal(run.conversation.phase, "over");
      assert.equal(run.primary.mails.length, 0);
    });
});

describe("hostile replies", () => {
  test("nonsense, replies without end and floods end the session", async () => {
    const answers = ["hello there", `250-${"x".repeat(70_000)}`, `250 ok\r\n${"250 more\r\n".repeat(5000)}`];
    for (const answer of answers) {
      await using run = await converse({ onMail: () => answer });
      const { outcomes, trouble } = await run.conversation.send(claimedMail());
      const [outcome] = outcomes.values();
      assert.notEqual(outcome?.kind, "delivered", answer.slice(0, 20));
      assert.ok(trouble !== undefined || run.conversation.phase === "over");
    }
  });

  test("nonsense after the dot leaves the mail unconfirmed", async () => {
    await using run = await converse({ onDot: () => "OK thanks" });
    assert.deepEqual(kinds((await run.conversation.send(claimedMail())).outcomes), { 10: "unconfirmed" });
  });

  test("nonsense behind the reply to the dot leaves the delivery valid", async () => {
    await using run = await converse({ onDot: () => "250 queued\r\nOK thanks" });
    assert.deepEqual(kinds((await run.conversation.send(claimedMail())).outcomes), { 10: "delivered 250" });
    assert.equal(run.conversation.phase, "over");
  });

  test("control characters are removed from replies", async () => {
    await using run = await converse({ onDot: () => "550 5.7.1 \u001b[31mred\u0007" });
    const outcome = (await run.conversation.send(claimedMail())).outcomes.get(10);
    assert.ok(outcome?.kind === "refused");
    assert.equal(outcome.reply.text, "[31mred");
  });
});

describe("the beginning", () => {
  test("yields name, extensions and size", async () => {
    await using run = await converse({ name: "Mail.Primary.Test", extensions: ["PIPELINING", "SIZE 1000"] });
    assert.deepEqual(run.conversation.capabilities, {
      name: "mail.primary.test",
      extensions: ["PIPELINING", "SIZE"],
      size: 1000,
    });
    assert.equal(run.primary.commands[0], "EHLO mx2.test");
  });

  test("takes SIZE from its own line (RFC 1870 §3), not from other text that contains it", async () => {
    const sizes: readonly (readonly [string, readonly string[], number | undefined])[] = [
      ["mail.primary.test at your service, SIZE 10 MB", ["SIZE 1000"], 1000],
      ["mail.primary.test", ["X-SIZE 5", "size 1000"], 1000],
      ["mail.primary.test", ["XPART-SIZE 5"], undefined],
      ["mail.primary.test SIZE 10", ["SIZE"], undefined],
      ["mail.primary.test", ["SIZE 0"], undefined],
    ];
    for (const [name, extensions, size] of sizes) {
      await using run = await converse({ greeting: "220 mail.primary.test", name, extensions });
      assert.equal(run.conversation.capabilities.size, size, `${name} ${extensions.join()}`);
    }
  });

  test("yields the name in the greeting if EHLO has another one", async () => {
    await using run = await converse({ greeting: "220 front.test hi", name: "back.test" });
    assert.equal(run.conversation.capabilities.name, "back.test");
    assert.equal(run.conversation.capabilities.banner, "front.test");
  });

  test("falls back to HELO", async () => {
    await using run = await converse({ noEhlo: true });
    assert.deepEqual(run.conversation.capabilities.extensions, []);
    assert.deepEqual(kinds((await run.conversation.send(claimedMail())).outcomes), { 10: "delivered 250" });
  });

  test("a refusal at connect is reported with its reply", async () => {
    for (const greeting of ["421 4.3.2 too busy", "554 5.7.1 not you"]) {
      const trouble = await troubleOf({ greeting });
      assert.equal(trouble.stage, "greeting");
      assert.equal(trouble.reply?.code, Number(greeting.slice(0, 3)));
    }
  });

  test("a connection that ends before the greeting, and one that is refused, are told apart", async () => {
    const { stage, message } = await troubleOf({ greeting: "close" });
    assert.deepEqual([stage, message], ["greeting", "it closed the connection instead of answering"]);
    // A reset that is quick enough looks like a refused connection.
    assert.match((await troubleOf({ greeting: "reset" })).stage, /^(greeting|connect)$/);
    const primary = await fakePrimary({});
    await primary.close();
    await assert.rejects(client.converse(at(primary)), { stage: "connect", message: /connection refused/ });
    await assert.rejects(client.connect(at(primary), 1000), { stage: "connect" });
  });

  test("a silent peer is given up", async () => {
    await using primary = await fakePrimary({ greeting: "silence" });
    await assert.rejects(client.converse(at(primary), 50), {
      stage: "greeting",
      message: /^it sends no greeting; `implicitTls` is for servers/,
    });
    await using mute = await fakePrimary({ onEhlo: () => "silence" });
    await assert.rejects(client.converse(at(mute), 50), {
      stage: "ehlo",
      message: "it no longer answers",
    });
  });

  test("a peer that answers octet by octet is given up, although each octet comes in time", async () => {
    const onEhlo = (): string => `250 ${"x".repeat(1000)}`;
    await using primary = await fakePrimary({ onEhlo, greeting: "220 x", drip: 5 });
    // Far longer than between two octets, also on a busy machine; five of these end before the reply does.
    const wait = 600;
    const session = client.converse(at(primary), wait);
    await assert.rejects(session, { stage: "ehlo", message: /^no session within 3 s/ });
  });

  test("a connection opens without a greeting", async () => {
    await using primary = await fakePrimary({ greeting: "silence" });
    const connection = await client.connect(at(primary), 1000);
    assert.ok(connection.took >= 0);
    connection.close();
  });

  test("an open connection may be used for a session or closed, also while the greeting is awaited", async () => {
    await using primary = await fakePrimary({ maxConnections: 1 });
    const connection = await client.connect(at(primary), 1000);
    const conversation = await connection.converse();
    await conversation.send(claimedMail());
    await conversation.quit();
    assert.equal(primary.connections, 1);
    primary.behaviour.greeting = "silence";
    const silent = await client.connect(at(primary, "opportunistic"), 1000);
    const greeting = assert.rejects(silent.converse(), { stage: "greeting" });
    silent.close();
    await greeting;
  });

  test(
    "closing a connection also ends the second one that was opened because TLS failed",
    { timeout: 20_000 },
    async () => {
      await using primary = await fakePrimary({ brokenTls: true });
      const patient = smtpClient({ hostname: "mx2.test", clock: systemClock() });
      const connection = await patient.connect(at(primary, "opportunistic"), 1000);
      const conversing = assert.rejects(connection.converse(), { stage: "greeting" });
      primary.behaviour.greeting = "silence";
      await waitFor({ what: "the second connection", deadline: 10_000 }, () => primary.connections === 2);
      connection.close();
      await conversing;
    },
  );

  test("no second connection is used if the first was closed meanwhile", async () => {
    await using primary = await fakePrimary({ brokenTls: true });
    const connection = await client.connect(at(primary, "opportunistic"), 1000);
    const close = (): void => connection.close();
    subscribe("net.client.socket", close);
    await assert
      .rejects(connection.converse(), { stage: "tls" })
      .finally(() => unsubscribe("net.client.socket", close));
    assert.deepEqual(primary.commands, ["EHLO mx2.test", "STARTTLS"]);
  });
});

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

describe("TLS", () => {
  const certificate = makeCertificate("localhost");
  const tlsOf = async (): Promise<{ key: string; cert: string }> => {
    const { key, certificate: cert } = await certificate;
    return { key, cert };
  };

  test("opportunistic: used when offered, whatever the certificate", async () => {
    await using primary = await fakePrimary({ tls: await tlsOf() });
    const conversation = await client.converse(at(primary, "opportunistic"));
    assert.match(conversation.capabilities.tls ?? "", /^TLSv1\.[23]$/);
    await conversation.send(claimedMail());
    assert.equal(primary.mails[0]?.tls, true);
    await conversation.quit();
  });

  test("opportunistic: in clear when not offered, and when the handshake fails", async () => {
    for (const behaviour of [{}, { brokenTls: true }]) {
      await using primary = await fakePrimary(behaviour);
      const conversation = await client.converse(at(primary, "opportunistic"));
      assert.equal(conversation.capabilities.tls, undefined);
      await conversation.send(claimedMail());
      assert.equal(primary.mails.length, 1);
      await conversation.quit();
    }
  });

  test("opportunistic: in clear when STARTTLS is refused, and the primary keeps its name", async () => {
    const onStartTls = (): string => "454 4.7.0 TLS not available";
    await using primary = await fakePrimary({ tls: await tlsOf(), extensions: PLAIN, onStartTls });
    const conversation = await client.converse(at(primary, "opportunistic"));
    assert.equal(conversation.capabilities.name, "primary.test");
    assert.deepEqual(conversation.capabilities.extensions, ["SIZE", "8BITMIME", "STARTTLS"]);
    await conversation.quit();
  });

  test("octets behind the reply to STARTTLS are not taken for a reply over TLS", async () => {
    const onStartTls = (): string => "220 go ahead\r\n250-forged.test\r\n250 XCLIENT NAME";
    await using primary = await fakePrimary({ tls: await tlsOf(), onStartTls });
    const conversation = await client.converse(at(primary, "require"));
    assert.equal(conversation.capabilities.name, "primary.test");
    assert.ok(!conversation.capabilities.extensions.includes("XCLIENT"));
    await conversation.quit();
  });

  test("530 for missing TLS is trouble of the primary and refuses no mail", async () => {
    const wanted = "530 5.7.0 Must issue a STARTTLS command first";
    for (const more of [[], ["PIPELINING"], ["PIPELINING", "CHUNKING"]]) {
      const extensions = [...PLAIN, ...more];
      await using primary = await fakePrimary({
        extensions,
        brokenTls: true,
        onMail: () => wanted,
        onReset: () => wanted,
      });
      const conversation = await client.converse(at(primary, "opportunistic"));
      const results = await Promise.all([1, 2].map(() => conversation.send(claimedMail())));
      assert.deepEqual(kinds(results[0]?.outcomes ?? new Map()), { 10: "deferred 421" });
      assert.match(
        results[0]?.trouble?.message ?? "",
        /^it accepts mail over TLS only, .*`tls: require`.* 530 Must issue/,
      );
      assert.equal(results[1]?.outcomes.get(10)?.kind, "released");
    }
  });

  test("530 for missing authentication defers the mail, at MAIL and at RCPT, and the session goes on", async () => {
    const wanted = (): string => "530 5.7.0 Authentication required";
    for (const behaviour of [{ onMail: wanted }, { onRcpt: wanted }]) {
      await using primary = await fakePrimary(behaviour);
      const conversation = await client.converse(at(primary, "opportunistic"));
      const { outcomes, trouble } = await conversation.send(claimedMail());
      assert.deepEqual([kinds(outcomes), trouble], [{ 10: "deferred 530" }, undefined]);
      await conversation.quit();
    }
  });

  test("none: not used although offered", async () => {
    await using primary = await fakePrimary({ tls: await tlsOf() });
    const conversation = await client.converse(at(primary, "none"));
    assert.equal(conversation.capabilities.tls, undefined);
    await conversation.quit();
  });

  test("require: trouble when not offered or broken; unverified otherwise", async () => {
    await using plain = await fakePrimary({});
    await assert.rejects(client.converse(at(plain, "require")), { stage: "tls" });
    await using broken = await fakePrimary({ brokenTls: true });
    await assert.rejects(client.converse(at(broken, "require")), { stage: "tls" });
    await using primary = await fakePrimary({ tls: await tlsOf() });
    const conversation = await client.converse(at(primary, "require"));
    assert.ok(conversation.capabilities.tls);
    await conversation.quit();
  });

  test("verify: the certificate must be trusted and fit the name", async () => {
    await using primary = await fakePrimary({ tls: await tlsOf() });
    await assert.rejects(client.converse(at(primary, "verify", "localhost")), { stage: "tls" });
    const { certificate: ca } = await certificate;
    const trusting = smtpClient({ hostname: "mx2.test", clock: systemClock(), ca });
    await assert.rejects(trusting.converse(at(primary, "verify", "other.test")), { stage: "tls" });
    const conversation = await trusting.converse(at(primary, "verify", "localhost"));
    assert.ok(conversation.capabilities.tls);
    await conversation.quit();
  });

  test("pin: the certificate or its key, and nothing crosses before", async () => {
    await using primary = await fakePrimary({ tls: await tlsOf() });
    const { raw, publicKey } = new X509Certificate((await certificate).certificate);
    for (const pin of [digest(raw), digest(publicKey.export({ type: "spki", format: "der" }))]) {
      const target = { ...at(primary, "pin"), pins: ["00".repeat(32), pin] };
      const conversation = await client.converse(target);
      assert.ok(conversation.capabilities.tls);
      await conversation.quit();
    }
    primary.behaviour.auth = { mechanisms: "PLAIN", user: "u", password: "p" };
    const wrong = { ...at(primary, "pin"), pins: ["00".repeat(32)], login: LOGIN };
    await assert.rejects(client.converse(wrong), {
      stage: "tls",
      message: /neither .* is pinned: sha256:[0-9a-f]{64}/,
    });
    assert.ok(!primary.commands.some((line) => line.startsWith("AUTH")));
    await using plain = await fakePrimary({});
    await assert.rejects(client.converse({ ...at(plain, "pin"), pins: ["00".repeat(32)] }), { stage: "tls" });
  });

  test("implicit TLS at any port", async () => {
    await using primary = await fakePrimary({ tls: await tlsOf(), implicitTls: true });
    const conversation = await client.converse({ ...at(primary, "require"), implicitTls: true });
    assert.ok(conversation.capabilities.tls);
    assert.ok(!primary.commands.includes("STARTTLS"));
    await conversation.quit();
  });

  test("login: PLAIN and LOGIN, the password from the environment or a file", async () => {
    await using folder = await tempFolder();
    const passwordFile = `${folder.path}/secret`;
    await writeFile(passwordFile, "\ufeffpässword\r\nno password\n");
    const knowing = smtpClient({
      hostname: "mx2.test",
      clock: systemClock(),
      environment: { SECRET: "pässword" },
    });
    for (const [mechanisms, used] of [
      ["CRAM-MD5 LOGIN PLAIN", "AUTH PLAIN"],
      ["LOGIN", "AUTH LOGIN"],
    ] as const)
      for (const login of [LOGIN, { user: "u", passwordFile }]) {
        const auth = { mechanisms, user: "u", password: "pässword" };
        await using primary = await fakePrimary({ tls: await tlsOf(), auth });
        const conversation = await knowing.converse({ ...at(primary, "require"), login });
        assert.ok(primary.commands.some((line) => line.startsWith(used)));
        assert.equal(conversation.capabilities.name, "primary.test");
        await conversation.send(claimedMail());
        assert.equal(primary.mails.length, 1);
        await conversation.quit();
      }
  });

  test("login: each failure is named, and no mail is sent", async () => {
    const auth = { mechanisms: "PLAIN", user: "u", password: "p" };
    await using primary = await fakePrimary({ tls: await tlsOf(), auth });
    const wrong = smtpClient({ hostname: "mx2.test", clock: systemClock(), environment: { SECRET: "q" } });
    const target = { ...at(primary, "require"), login: LOGIN };
    await assert.rejects(wrong.converse(target), { stage: "login", message: /login of u: it answered 535/ });
    await assert.rejects(client.converse(target), {
      stage: "login",
      message: /no password: SECRET is not set in the environment/,
    });
    const fromFile = { ...target, login: { user: "u", passwordFile: "/no/such/file" } };
    await assert.rejects(client.converse(fromFile), {
      stage: "login",
      message: /no password: \/no\/such\/file cannot be read \(ENOENT\)/,
    });
    primary.behaviour.auth = { ...auth, mechanisms: "CRAM-MD5" };
    await assert.rejects(wrong.converse(target), {
      stage: "login",
      message: /it offers no AUTH PLAIN or LOGIN/,
    });
    await using plain = await fakePrimary({ auth });
    await assert.rejects(wrong.converse({ ...at(plain, "opportunistic"), login: LOGIN }), {
      stage: "login",
      message: /without TLS/,
    });
    assert.ok(!plain.commands.some((line) => line.startsWith("AUTH")));
  });

  test("a connection lost after the dot is unconfirmed there too", async () => {
    await using primary = await fakePrimary({ tls: await tlsOf(), onDot: () => "close" });
    const conversation = await client.converse(at(primary, "require"));
    assert.deepEqual(kinds((await conversation.send(claimedMail())).outcomes), { 10: "unconfirmed" });
  });
});
