/** Primaries that say more than they are asked: whatever the place of the reply too many, nobody's refusal is lost. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Reply } from "../../../../src/mail/reply.ts";
import { Marks, OutOfStep } from "../../../../src/adapters/smtp-client/marks.ts";
import { smtpClient } from "../../../../src/adapters/smtp-client/smtp-client.ts";
import type { Wire } from "../../../../src/adapters/smtp-client/wire.ts";
import type { SendResult } from "../../../../src/ports/smtp-client.ts";
import type { ClaimedMail } from "../../../../src/ports/work-store.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { inPieces, namedMail } from "../../../support/claimed-mail.ts";
import { fakePrimary, type Behaviour, type FakePrimary } from "../../../support/fake-primary.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { targetAt } from "../../../support/primary-conversation.ts";

const WITH_DATA = ["PIPELINING", "8BITMIME"];
const WITH_BDAT = [...WITH_DATA, "CHUNKING"];
const REFUSED = "552 5.2.2 too large";

const MAILS = ["a", "b", "c", "d", "e"].map((id) => namedMail(id));

/** Sends all at once over one connection. */
async function sendAll(
  primary: FakePrimary,
  mails: readonly ClaimedMail[],
  client = smtpClient({ hostname: "mx2.test", clock: systemClock() }),
): Promise<readonly SendResult[]> {
  const conversation = await client.converse(targetAt(primary.port));
  const results = await Promise.all(mails.map((mail) => conversation.send(mail)));
  await conversation.quit();
  return results;
}

function kindsOf(results: readonly SendResult[]): readonly string[] {
  return results.map(({ outcomes }) => Array.from(outcomes.values(), ({ kind }) => kind).join("+"));
}

/** What is wrong: mails that are taken for delivered and never came, or for refused and never were. */
function mistaken(
  primary: FakePrimary,
  mails: readonly ClaimedMail[],
  results: readonly SendResult[],
  refused: readonly string[],
): readonly string[] {
  const arrived = new Set(primary.mails.map(({ sender }) => sender));
  return kindsOf(results).flatMap((kind, n) => {
    const { id = "", sender = "" } = mails[n] ?? {};
    const lost = kind === "delivered" && !arrived.has(sender);
    return lost || (kind === "refused" && !refused.includes(id)) ? [`${id} ${kind}`] : [];
  });
}

describe("a reply too many", () => {
  // Where it comes, and in which words.
  const places: readonly (readonly [string, (id: string, extra: string) => Behaviour])[] = [
    [
      "behind the answer to the body",
      (id, extra) => ({ onDot: ({ sender }) => at(sender, id, `250 2.0.0 taken as X1${extra}`) }),
    ],
    [
      "behind the answer to MAIL",
      (id, extra) => ({ onMail: (sender) => at(sender, id, `250 2.1.0 ok${extra}`) }),
    ],
    [
      "behind the answer to RCPT",
      (id, extra) => ({ onRcpt: (to) => at(`from-${to}`, id, `250 2.1.5 ok${extra}`) }),
    ],
  ];
  const words = [
    "250 2.0.0 ok",
    "250 2.0.0 taken",
    "250 2.1.5 ok",
    "250 go on",
    "550 5.1.1 no such user",
    REFUSED,
  ];
  for (const [place, behaviourAt] of places)
    for (const times of [1, 2, 3])
      for (const [how, extensions] of [
        ["BDAT", WITH_BDAT],
        ["DATA", WITH_DATA],
      ] as const)
        test(`${place}, ${times} times, ${how}: no refused mail counts as delivered, and no accepted mail as refused`, async () => {
          for (const word of words)
            for (const odd of ["a", "c"])
              for (const refused of [["a"], ["c"], ["b", "c", "d", "e"]]) {
                const script = behaviourAt(odd, `\r\n${word}`.repeat(times));
                const { onDot } = script;
                await using primary = await fakePrimary({
                  extensions,
                  ...script,
                  onDot: (mail) => (refused.includes(mail.sender.slice(5, 6)) ? REFUSED : onDot?.(mail)),
                });
                const results = await sendAll(primary, MAILS);
                assert.deepEqual(
                  mistaken(primary, MAILS, results, refused),
                  [],
                  `${word} at ${odd}, refused ${refused.join()}: ${kindsOf(results).join(" ")}`,
                );
              }
        });

  for (const pipelining of ["none", "envelope", "mails"] as const)
    test(`before the reply to a recipient: no refused mail counts as delivered, pipelining ${pipelining}`, async () => {
      await using primary = await fakePrimary({
        extensions: WITH_BDAT,
        onMail: () => "250 2.1.0 ok\r\n250 2.1.0 ok",
        onDot: () => REFUSED,
        tarpit: 1,
        wait: async () => {
          for (let turn = 0; turn < 20; turn++) await nextTurn();
        },
      });
      const client = smtpClient({ hostname: "mx2.test", clock: systemClock() });
      const conversation = await client.converse(targetAt(primary.port, { pipelining }));
      const results = [await conversation.send(namedMail("a"))];
      await conversation.quit();
      assert.deepEqual(mistaken(primary, MAILS, results, ["a"]), []);
    });

  test("behind each body leaves the mails in flight unconfirmed, and from then on the primary gets one command at a time", async () => {
    await using primary = await fakePrimary({
      extensions: WITH_BDAT,
      onDot: ({ sender }) => (sender.startsWith("from-c@") ? REFUSED : "250 2.0.0 taken\r\n250 2.0.0 ok"),
    });
    const clock = new ManualClock();
    const client = smtpClient({ hostname: "mx2.test", clock });
    const first = await sendAll(primary, MAILS, client);
    assert.deepEqual(kindsOf(first), ["unconfirmed", "released", "released", "released", "released"]);
    assert.match(first[0]?.trouble?.message ?? "", /out of step with what it was asked: 250 ok/);
    const said = primary.commands.length;
    const second = await sendAll(primary, MAILS.slice(2), client);
    assert.deepEqual(kindsOf(second), ["refused", "delivered", "deferred"]);
    const verbs = primary.commands.slice(said).map((line) => line.slice(0, 4));
    assert.equal(verbs.join(" "), "EHLO MAIL RCPT DATA MAIL RCPT DATA");
    // Some day it may be mended.
    clock.advance(24 * 3_600_000);
    clock.set(-3_600_000);
    const later = primary.commands.length;
    await sendAll(primary, MAILS.slice(3), client);
    assert.ok(primary.commands.slice(later).some((line) => line.startsWith("BDAT")));
  });

  test("behind the 354 is not read as the reply to the body", async () => {
    for (const extensions of [[], WITH_DATA])
      for (const mail of [namedMail("a"), inPieces(namedMail("a"))]) {
        await using primary = await fakePrimary({
          extensions,
          onData: () => "354 go on\r\n250 2.0.0 taken",
          onDot: () => REFUSED,
        });
        const [result] = await sendAll(primary, [mail]);
        assert.deepEqual(kindsOf(result === undefined ? [] : [result]), ["deferred"]);
        assert.match(result?.trouble?.message ?? "", /out of step/);
      }
  });

  test("behind the reply to a body after 354 makes that reply doubtful if it is a refusal, and always ends the session", async () => {
    for (const extensions of [[], WITH_DATA])
      for (const [more, kinds] of [
        ["550 5.7.1 no", ["unconfirmed", "released"]],
        ["250 2.0.0 ok", ["delivered", "released"]],
      ] as const) {
        await using primary = await fakePrimary({ extensions, onDot: () => `250 2.0.0 taken\r\n${more}` });
        const client = smtpClient({ hostname: "mx2.test", clock: systemClock() });
        const conversation = await client.converse(targetAt(primary.port));
        const results = [];
        for (const id of ["a", "b"]) results.push(await conversation.send(namedMail(id)));
        assert.deepEqual(kindsOf(results), kinds, `${extensions.join()} ${more}`);
        conversation.abort();
      }
  });

  test("behind the 354 ends the session if it is a refusal, and does not count as replies out of step", async () => {
    await using primary = await fakePrimary({
      extensions: WITH_DATA,
      onRcpt: (to) => (to === "gone@a.test" ? "550 5.1.1 no" : undefined),
      onData: () => "354 go on\r\n421 4.3.2 shutting down",
    });
    const [result] = await sendAll(primary, [namedMail("a", { to: ["gone@a.test", "good@a.test"] })]);
    assert.deepEqual(kindsOf(result === undefined ? [] : [result]), ["refused+deferred"]);
    assert.equal(result?.trouble?.reply?.code, 421);
  });

  test("undoes what was read as the refusal of a recipient", async () => {
    const [good, gone] = ["good@a.test", "gone@a.test"];
    const mail = namedMail("a", { to: [gone, good] });
    for (const extensions of [WITH_DATA, WITH_BDAT])
      for (const sent of [mail, inPieces(mail)]) {
        await using primary = await fakePrimary({
          extensions,
          onRcpt: (to) => (to === gone ? "550 5.1.1 no\r\n550 5.1.1 no" : undefined),
        });
        const results = await sendAll(primary, [sent]);
        assert.match(kindsOf(results)[0] ?? "", /^(deferred\+deferred|unconfirmed\+unconfirmed)$/);
      }
  });
});

describe("marks", () => {
  test("cause no trouble if the reply to RSET contains an id, is a refusal, or equals every other reply", async () => {
    let count = 0;
    const wordings: readonly (readonly [Behaviour, how: string])[] = [
      [{ onReset: () => `250 2.0.0 Flushed x${count++}-12.7 - gsmtp` }, "BDAT BDAT BDAT BDAT BDAT"],
      [{ onReset: () => `250 2.0.0 ${"abcdefghijk"[count++ % 11]} reset` }, "BDAT DATA DATA DATA DATA"],
      [{ onReset: () => "502 5.5.1 no RSET here" }, "BDAT DATA DATA DATA DATA"],
      [{ onReset: () => "250 OK", onDot: () => "250 OK" }, "BDAT DATA DATA DATA DATA"],
    ];
    for (const [wording, how] of wordings) {
      await using primary = await fakePrimary({ extensions: WITH_BDAT, ...wording });
      const results = await sendAll(primary, MAILS);
      assert.deepEqual(
        kindsOf(results),
        Array.from(MAILS, () => "delivered"),
      );
      const verbs = primary.commands.map((line) => line.slice(0, 4));
      assert.equal(verbs.filter((verb) => verb.endsWith("DAT") || verb === "DATA").join(" "), how);
    }
  });

  test("that show nothing are followed by EHLO, and only a reply to EHLO is accepted as its reply", async () => {
    const ok = { code: 250, text: "OK" };
    const refusal = { code: 552, text: "too large" };
    const greeting = { code: 250, text: "primary.test PIPELINING CHUNKING" };
    for (const [learned, next, inStep] of [
      [ok, greeting, true],
      [refusal, greeting, true],
      // The answer to the body comes last: what was read as that was one too many.
      [ok, refusal, false],
      [ok, ok, false],
    ] as const) {
      const said: Reply[] = [ok, next];
      const written: string[] = [];
      const wire = { write: (parts: string[]) => written.push(...parts), reply: async () => said.shift() };
      const marks = new Marks(wire as unknown as Wire, "mx2.test");
      marks.learn(learned);
      const read = marks.read(ok);
      await (inStep ? read : assert.rejects(read, OutOfStep));
      assert.deepEqual([marks.state, written], ["vague", ["EHLO mx2.test\r\n"]]);
    }
  });

  test("follow each body, also a streamed one", async () => {
    await using primary = await fakePrimary({ extensions: WITH_BDAT, onReset: () => "250 2.0.0 reset" });
    const mails = MAILS.slice(0, 3).map((mail, i) => (i === 1 ? mail : inPieces(mail)));
    assert.deepEqual(kindsOf(await sendAll(primary, mails)), ["delivered", "delivered", "delivered"]);
    const verbs = primary.commands.map((line) => line.slice(0, 4)).join(" ");
    assert.equal(verbs, `EHLO RSET${" MAIL RCPT BDAT RSET".repeat(3)} QUIT`);
  });

  test("a session that ends behind the reply to a body leaves that reply valid", async () => {
    for (const end of ["close", "reset", "421 4.3.2 enough", "what?"] as const) {
      await using primary = await fakePrimary({
        extensions: WITH_BDAT,
        onReset: () => (primary.mails.length > 0 ? end : undefined),
      });
      const [first] = await sendAll(primary, MAILS.slice(0, 1));
      assert.deepEqual(kindsOf(first === undefined ? [] : [first]), ["delivered"], end);
      assert.equal(first?.trouble, undefined);
    }
  });
});

test("421 in place of a mark counts for the mails behind it, and none of them becomes unconfirmed", async () => {
  for (const [place, kinds] of [
    [2, ["delivered", "deferred", "released", "released", "released"]],
    [3, ["delivered", "delivered", "deferred", "released", "released"]],
  ] as const) {
    let resets = 0;
    const onReset = (): string | undefined => (++resets === place ? "421 4.3.2 enough" : undefined);
    await using primary = await fakePrimary({ extensions: WITH_BDAT, onReset });
    const results = await sendAll(primary, MAILS);
    assert.deepEqual(kindsOf(results), kinds);
    assert.equal(results[place - 1]?.trouble?.reply?.code, 421);
  }
});

function at(sender: string, id: string, answer: string): string | undefined {
  return sender.startsWith(`from-${id}@`) ? answer : undefined;
}
