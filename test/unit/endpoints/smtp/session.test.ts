import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Answer } from "../../../../src/endpoints/smtp/answer.ts";
import { Session } from "../../../../src/endpoints/smtp/session.ts";
import { reply } from "../../../../src/mail/reply.ts";
import { ACCEPT } from "../../../../src/mail/verdict.ts";
import type { CheckNote } from "../../../../src/ports/journal.ts";
import { relayCheck } from "../../../../src/services/policy/checks/relay.ts";
import { recipientCheck } from "../../../../src/services/policy/checks/recipient.ts";
import type { Check } from "../../../../src/services/policy/policy.ts";
import { recipientsOf } from "../../../support/recipient-notes.ts";
import { benchParts, MemoryDirectory, type BenchOptions } from "../../../support/smtp-bench.ts";
import { LIMITS, NO_LIMITS } from "../../../support/smtp-settings.ts";
import { SmtpModel, STEPS } from "../../../support/smtp-model.ts";

/** A session over parts in memory, and what the tests ask of it. */
class Harness {
  readonly parts: ReturnType<typeof benchParts>;
  readonly session: Session;
  #body: ReturnType<Session["openBody"]> | undefined;

  constructor(options: BenchOptions = {}) {
    this.parts = benchParts(options);
    const { settings, ...parts } = this.parts;
    this.session = new Session(
      { ...parts, greeting: { delay: () => 0, delivered: () => {} }, settings: () => settings },
      "192.0.2.1",
    );
    this.session.greeting();
  }

  async say(line: string): Promise<number> {
    const answer = await this.session.command(Buffer.from(line));
    if (answer.next === "body") this.#body = this.session.openBody(answer);
    return answer.reply.code;
  }

  /** BDAT with these octets. */
  async chunk(text: string, last: boolean): Promise<number> {
    const octets = Buffer.from(text);
    const code = await this.say(`BDAT ${octets.length}${last ? " LAST" : ""}`);
    const receiver = this.#body;
    assert.ok(receiver !== undefined && !("reply" in receiver), String(code));
    assert.equal(receiver.take(octets).rest?.length, 0);
    return (await this.session.finish(receiver)).reply.code;
  }

  /** Sends a body after 354. */
  async body(text: string): Promise<number> {
    const body = this.#body;
    assert.ok(body !== undefined && !("reply" in body));
    body.take(Buffer.from(text));
    const answer: Answer = await this.session.finish(body);
    return answer.reply.code;
  }
}

/** Does one step; BDAT with what stands behind the colon. */
function walk(harness: Harness, step: string): Promise<number> {
  const [, last, text] = /^BDAT( LAST)?:(.*)$/s.exec(step) ?? [];
  return text === undefined ? harness.say(step) : harness.chunk(text, last !== undefined);
}

const ENDS = ["good", "nul", "store", "throws", "loop"] as const;

async function endBody(harness: Harness, end: (typeof ENDS)[number]): Promise<void> {
  const { intake } = harness.parts;
  const loop = `${"Received: x\r\n".repeat(101)}\r\n`;
  const text = { good: "x\r\n", nul: "\0\r\n", store: "x\r\n", throws: "x\r\n", loop }[end];
  const wanted = { good: 250, nul: 550, store: 452, throws: 451, loop: 554 }[end];
  if (end === "store") intake.answer = { kind: "refused", why: "full" };
  if (end === "throws") intake.onAccept = () => Promise.reject(new Error("broken"));
  assert.equal(await harness.body(`${text}.\r\n`), wanted);
  intake.answer = { kind: "accepted" };
  intake.onAccept = () => Promise.resolve();
}

describe("Session", () => {
  test("walks at random as the reference does, and forgets whole transactions", async () => {
    const step = fc.oneof(
      fc.constantFrom(...STEPS),
      fc.constantFrom("MAIL FROM:<a@b.example>", "RCPT TO:<alice@our.test>", "DATA", "BDAT:x"),
    );
    const walks = fc.array(fc.tuple(step, fc.constantFrom(...ENDS)), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(walks, async (steps) => {
        const harness = new Harness({ limits: NO_LIMITS });
        const model = new SmtpModel();
        for (const [line, end] of steps) {
          const code = await walk(harness, line);
          assert.equal(code, model.expect(line), line);
          if (code !== 354) continue;
          await endBody(harness, end);
          model.reset();
          assert.equal(await harness.say("DATA"), 503);
        }
        assert.equal(harness.session.transaction !== undefined, model.mail);
        assert.equal(harness.parts.intake.open.size, model.chunking ? 1 : 0);
        assert.equal(await harness.say("RSET"), 250);
        assert.equal(harness.parts.intake.open.size, 0);
      }),
      { numRuns: 400 },
    );
  });

  test("every transaction gets all checks anew", async () => {
    const runs: string[] = [];
    const directory = new MemoryDirectory();
    const spy: Check = {
      name: "spy",
      stage: "data",
      atConnect: () => void runs.push("connect"),
      atMail: () => void runs.push("mail"),
      run: () => {
        runs.push("data");
        return ACCEPT;
      },
      taken: (_mail, domains) => void runs.push(`taken for ${domains.map(({ name }) => name).join()}`),
    };
    const checks = [spy, relayCheck, recipientCheck(recipientsOf(directory))];
    const harness = new Harness({ checks });
    await harness.say("EHLO c.example");
    for (const end of ["x\0\r\n.\r\n", "x\r\n.\r\n"]) {
      for (const line of ["MAIL FROM:<>", "RCPT TO:<v@evil.test>", "RCPT TO:<alice@our.test>", "DATA"])
        await harness.say(line);
      await harness.body(end);
    }
    assert.deepEqual(runs, ["connect", "mail", "mail", "data", "taken for our.test"]);
    assert.deepEqual(harness.parts.intake.mails[0]?.recipients, [
      { address: "alice@our.test", domain: "our.test" },
    ]);
  });

  test("a transaction keeps the generation that it began with", async () => {
    const harness = new Harness();
    await harness.say("EHLO c.example");
    await harness.say("MAIL FROM:<>");
    harness.parts.directory.change([]);
    assert.equal(await harness.say("RCPT TO:<alice@our.test>"), 250);
    await harness.say("RSET");
    await harness.say("MAIL FROM:<>");
    assert.equal(await harness.say("RCPT TO:<alice@our.test>"), 550);
  });

  test("a refusal is told once, with its stage and whom it concerns", async () => {
    const harness = new Harness();
    for (const line of [
      "NOPE",
      "EHLO",
      "MAIL",
      "EHLO c",
      "MAIL FROM:<a@b.example>",
      "RCPT TO:<v@evil.test>",
      "DATA",
    ])
      await harness.say(line);
    const refused = harness.parts.events.flatMap((event) => (event.kind === "client.refused" ? [event] : []));
    assert.deepEqual(
      refused.map(({ stage, reply }) => `${stage} ${reply.code}`),
      ["command 500", "helo 501", "mail 503", "rcpt 550", "data 503"],
    );
    assert.equal(refused[3]?.sender, "a@b.example");
    assert.equal(refused[3]?.recipient, "v@evil.test");
  });

  test("a client that may do no more is turned away for any line but QUIT, and the journal is told", async () => {
    const { session, parts } = new Harness({ settings: { limits: { ...LIMITS, commands: 0 } } });
    const codes = [
      (await session.command(Buffer.from("NOOP"))).reply.code,
      session.misused(Buffer.from("NOOP")).reply.code,
      (await session.command(Buffer.from("QUIT"))).reply.code,
    ];
    const refused = parts.events.flatMap((event) => (event.kind === "client.refused" ? [event] : []));
    assert.deepEqual(
      [codes, refused.map(({ reply }) => reply.code)],
      [
        [421, 421, 221],
        [421, 421],
      ],
    );
  });

  test("no octet of the client's comes back", async () => {
    const harness = new Harness({ limits: NO_LIMITS });
    const hostile = fc.string({ unit: "binary", maxLength: 40 }).map((text) => `zq${text}qz`);
    const frame = fc.constantFrom("EHLO ", "MAIL FROM:<", "RCPT TO:<", "VRFY ", "NOOP ", "HELP ", "");
    await fc.assert(
      fc.asyncProperty(frame, hostile, async (start, text) => {
        const answer = await harness.session.command(Buffer.from(start + text));
        assert.ok(!JSON.stringify(answer.reply).includes("zq"));
        await harness.session.command(Buffer.from("RSET"));
      }),
    );
  });

  test("an exception at a recipient is 451 for that one alone", async () => {
    const harness = new Harness();
    await harness.say("EHLO c");
    await harness.say("MAIL FROM:<>");
    const { domain } = harness.parts.directory;
    harness.parts.directory.domain = () => {
      harness.parts.directory.domain = domain;
      throw new Error("a bug");
    };
    assert.equal(await harness.say("RCPT TO:<alice@our.test>"), 451);
    assert.match(harness.parts.errors.join(), /a bug/);
    assert.equal(await harness.say("RCPT TO:<bob@our.test>"), 250);
    assert.equal(await harness.say("DATA"), 354);
    assert.equal(await harness.body("x\r\n.\r\n"), 250);
    assert.deepEqual(
      harness.parts.intake.mails[0]?.recipients.map(({ address }) => address),
      ["bob@our.test"],
    );
  });

  test("a mail that is stored is 250, whatever the directory has become meanwhile", async () => {
    const harness = new Harness();
    for (const line of ["EHLO c", "MAIL FROM:<>", "RCPT TO:<alice@our.test>", "DATA"])
      await harness.say(line);
    harness.parts.directory.domain = () => {
      throw new Error("generation 0 is not known any more");
    };
    assert.equal(await harness.body("x\r\n.\r\n"), 250);
    assert.equal(harness.parts.intake.mails.length, 1);
  });

  test("any other exception is 451 and drops the transaction", async () => {
    const harness = new Harness();
    await harness.say("EHLO c");
    await harness.say("MAIL FROM:<>");
    await harness.say("RCPT TO:<alice@our.test>");
    harness.parts.intake.openBody = () => {
      throw new Error("a bug");
    };
    await harness.say("DATA");
    assert.equal(harness.session.transaction, undefined);
    assert.match(harness.parts.errors.join(), /a bug/);
  });

  test("an exception at BDAT closes: octets of a chunk are never taken for commands", async () => {
    const harness = new Harness();
    const { intake } = harness.parts;
    intake.condition = () => {
      throw new Error("a bug");
    };
    const answer = await harness.session.command(Buffer.from("BDAT 5"));
    assert.deepEqual([answer.reply.code, answer.next], [451, "close"]);
    assert.equal((await harness.session.command(Buffer.from("NOOP"))).next, undefined);
  });

  test("a check that asks for a field gets it on top, once for all recipients", async () => {
    const tag: Check = { name: "tag", stage: "rcpt", run: () => ({ kind: "tag", field: "X-Seen: yes" }) };
    const harness = new Harness({ checks: [tag] });
    const to = ["alice", "bob"].map((local) => `RCPT TO:<${local}@our.test>`);
    for (const line of ["EHLO c", "MAIL FROM:<>", ...to, "DATA"]) await harness.say(line);
    assert.equal(await harness.body("x\r\n.\r\n"), 250);
    assert.match(harness.parts.intake.mails[0]?.topFields ?? "", /\+0000\r\nX-Seen: yes\r\n$/);
  });

  test("a trace holds what the checks said of its own recipients, each of them once", async () => {
    const named: Check = {
      name: "named",
      stage: "rcpt",
      run: ({ recipient: { local } }) =>
        local === "bob"
          ? { kind: "reject", reply: reply(550, "5.7.1", "Not bob") }
          : { kind: "accept", note: `it is ${local}` },
    };
    const harness = new Harness({ checks: [named] });
    const to = ["alice", "bob", "carol"].map((local) => `RCPT TO:<${local}@our.test>`);
    for (const line of ["EHLO c", "MAIL FROM:<>", ...to, "DATA"]) await harness.say(line);
    assert.equal(await harness.body("x\r\n.\r\n"), 250);
    const told = harness.parts.events.flatMap((event) =>
      "checks" in event && event.checks !== undefined
        ? [[event.kind, ...(JSON.parse(event.checks) as CheckNote[]).map((note) => [note[2], note[4]])]]
        : [],
    );
    assert.deepEqual(told, [
      ["client.refused", ["550 5.7.1 Not bob", 1]],
      ["mail.accepted", ["it is alice", 1], ["it is carol", 1]],
    ]);
  });

  test("postmaster of our own name is taken where that is a domain of ours, with no other set", async () => {
    const harness = new Harness({ settings: { hostname: "our.test", postmaster: "" } });
    for (const line of ["EHLO c", "MAIL FROM:<>"]) await harness.say(line);
    assert.equal(await harness.say("RCPT TO:<postmaster@our.test>"), 250);
  });

  test("a body that begins with a blank continues no field of ours", async () => {
    const harness = new Harness();
    for (const [body, end] of [
      [" folded\r\nSubject: s\r\n\r\nx\r\n.\r\n", /[^\n]\r\n\r\n$/],
      ["Subject: s\r\n\r\nx\r\n.\r\n", /[^\n]\r\n$/],
    ] as const) {
      for (const line of ["EHLO c", "MAIL FROM:<>", "RCPT TO:<alice@our.test>", "DATA"])
        await harness.say(line);
      assert.equal(await harness.body(body), 250);
      assert.match(harness.parts.intake.mails.at(-1)?.topFields ?? "", end);
    }
  });

  test("facts of the mail reach the store", async () => {
    const harness = new Harness();
    for (const line of ["EHLO c", "MAIL FROM:<>", "RCPT TO:<alice@our.test>", "DATA"])
      await harness.say(line);
    await harness.body("Message-ID: <1@x>\r\nSubject: s\r\nFrom: f\r\n\r\n\u00e9\nx\r\n.\r\n");
    const [mail] = harness.parts.intake.mails;
    assert.deepEqual([mail?.messageId, mail?.subject, mail?.from, mail?.eightBit], ["<1@x>", "s", "f", true]);
    assert.deepEqual(mail?.client, { ip: "192.0.2.1", helo: "c" });
    const accepted = harness.parts.events.find((event) => event.kind === "mail.accepted");
    assert.deepEqual(accepted?.notes, ["bare newlines normalised"]);
  });

  test("what the mail needs of those behind us is what its client has asked for", async () => {
    const harness = new Harness();
    const accept = async (parameters: string, body: string): Promise<readonly [boolean, boolean]> => {
      for (const line of [`MAIL FROM:<a@b.example>${parameters}`, "RCPT TO:<alice@our.test>", "DATA"])
        await harness.say(line);
      assert.equal(await harness.body(`${body}\r\n.\r\n`), 250);
      const { smtpUtf8, eightBit } = harness.parts.intake.mails.at(-1) ?? assert.fail();
      return [smtpUtf8, eightBit];
    };
    await harness.say("EHLO c");
    assert.deepEqual(await accept("", "Subject: s\r\n\r\nx"), [false, false]);
    assert.deepEqual(await accept(" BODY=8BITMIME", "Subject: s\r\n\r\nx"), [false, true]);
    assert.deepEqual(await accept("", "Subject: \u00e9\r\n\r\nx"), [false, true], "raw octets in a header");
    assert.deepEqual(await accept(" SMTPUTF8", "Subject: s\r\n\r\n\u00e9"), [false, true]);
    assert.deepEqual(await accept(" SMTPUTF8", "Subject: \u00e9\r\n\r\nx"), [true, true]);
  });
});
