/** Several mails in flight on one connection: what goes out when, and what a cut at any place means for each. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { smtpClient } from "../../../../src/adapters/smtp-client/smtp-client.ts";
import type { SendResult, Target } from "../../../../src/ports/smtp-client.ts";
import type { BodySource } from "../../../../src/ports/stored-body.ts";
import type { ClaimedMail } from "../../../../src/ports/work-store.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { bodySource } from "../../../support/body-source.ts";
import { inPieces, namedMail, TOP_FIELDS } from "../../../support/claimed-mail.ts";
import type { Act, Behaviour } from "../../../support/fake-primary.ts";
import { converseWith, type PrimaryConversation } from "../../../support/primary-conversation.ts";
import { seededRandom } from "../../../support/random.ts";

const client = smtpClient({ hostname: "mx2.test", clock: systemClock(), connect: 5000, greeting: 5000 });
const WITH_DATA = ["PIPELINING", "SIZE", "8BITMIME"];
const WITH_BDAT = [...WITH_DATA, "CHUNKING"];

function converse(behaviour: Behaviour, change: Partial<Target> = {}): Promise<PrimaryConversation> {
  return converseWith(client, behaviour, change);
}

/** Sends all at once, however wide the window is. */
function sendAll(
  { conversation }: PrimaryConversation,
  mails: readonly ClaimedMail[],
): Promise<readonly SendResult[]> {
  return Promise.all(mails.map((mail) => conversation.send(mail)));
}

function kinds(results: readonly SendResult[]): string {
  return results.map(({ outcomes }) => Array.from(outcomes.values(), ({ kind }) => kind).join("+")).join(" ");
}

const THREE = ["a", "b", "c"].map((id) => namedMail(id));

describe("the window", () => {
  /** Mails in flight, and those of three that BDAT carries. */
  const cases: readonly (readonly [number, number, readonly string[], Partial<Target>])[] = [
    [2, 0, WITH_DATA, {}],
    [8, 3, WITH_BDAT, {}],
    [1, 0, ["SIZE"], {}],
    [1, 0, ["CHUNKING"], {}],
    [2, 0, WITH_BDAT, { chunking: false }],
    [1, 0, WITH_BDAT, { pipelining: "envelope" }],
    [1, 0, WITH_BDAT, { pipelining: "none" }],
  ];
  for (const [window, chunked, extensions, settings] of cases)
    test(`is ${window} for ${extensions.join(" ")} ${JSON.stringify(settings)}`, async () => {
      await using run = await converse({ extensions }, settings);
      assert.equal(run.conversation.window, window);
      assert.equal(kinds(await sendAll(run, THREE)), "delivered delivered delivered");
      assert.equal(run.primary.commands.filter((line) => line.startsWith("BDAT")).length, chunked);
      assert.deepEqual(
        run.primary.mails.map(({ sender, data }) => [sender, data.toString()]),
        THREE.map(({ id, sender }) => [sender, `${TOP_FIELDS}Subject: ${id}\r\n\r\n.dot\r\n`]),
      );
    });
});

test("mails of different clients follow each other on a connection without XCLIENT", async () => {
  await using run = await converse({ extensions: WITH_BDAT });
  const other = namedMail("b", { client: { ip: "192.0.2.99", helo: "other.test" } });
  const sending = run.conversation.send(namedMail("a"));
  assert.ok(run.conversation.takes(other));
  assert.equal(kinds(await Promise.all([sending, run.conversation.send(other)])), "delivered delivered");
});

describe("behind DATA", () => {
  test("a body and the next envelope leave together, and DATA is the last of its group", async () => {
    let dots = 0;
    await using run = await converse({
      extensions: WITH_DATA,
      // Nothing is answered to the first dot before the envelope behind it was seen.
      onDot: () => {
        dots += 1;
        return dots === 1 ? "silence" : undefined;
      },
    });
    void sendAll(run, THREE);
    await run.primary.received(1);
    await new Promise((resolve) => setImmediate(resolve));
    const verbs = run.primary.commands.map((line) => line.slice(0, 4)).join(" ");
    assert.equal(verbs, "EHLO MAIL RCPT DATA MAIL RCPT DATA");
  });

  test("no body is sent behind a refused DATA or behind refused recipients", async () => {
    for (const refuse of [
      { onData: (count: number) => (count === 2 ? "451 4.3.0 not now" : undefined) },
      { onData: (count: number) => (count === 2 ? "554 5.7.1 no" : undefined) },
      { onRcpt: (to: string) => (to.startsWith("b") ? "550 5.1.1 no" : undefined) },
    ]) {
      let count = 0;
      await using run = await converse({
        extensions: WITH_DATA,
        ...("onRcpt" in refuse && { onRcpt: refuse.onRcpt }),
        ...("onData" in refuse && { onData: () => refuse.onData?.(++count) }),
      });
      const results = await sendAll(run, THREE);
      assert.match(kinds(results), /^delivered (deferred|refused) delivered$/);
      assert.deepEqual(
        run.primary.mails.map(({ sender }) => sender.slice(5, 6)),
        ["a", "c"],
      );
      assert.ok(!run.primary.commands.some((line) => /^(Received|Subject|\.)/.test(line)));
      assert.equal(run.primary.commands.filter((line) => line === "RSET").length, 1);
    }
  });

  test("354 without an accepted recipient gets an empty body, and the next mail follows", async () => {
    await using run = await converse({
      extensions: WITH_DATA,
      onRcpt: (to) => (to.startsWith("b") ? "550 5.1.1 no" : undefined),
      onData: () => "354 go on",
    });
    assert.equal(kinds(await sendAll(run, THREE)), "delivered refused delivered");
    assert.deepEqual(
      run.primary.mails.map(({ data }) => data.length > 0),
      [true, false, true],
    );
  });

  test("the recipients of a refused sender are not added to the mail before", async () => {
    await using run = await converse({
      extensions: WITH_DATA,
      onMail: (sender) => (sender.includes("-b@") ? "550 5.7.1 no" : undefined),
    });
    assert.equal(kinds(await sendAll(run, THREE)), "delivered refused delivered");
    assert.deepEqual(
      run.primary.mails.map(({ recipients }) => recipients),
      [["a@a.test"], ["c@a.test"]],
    );
  });
});

describe("behind BDAT", () => {
  test("whole mails leave without waiting, small ones in one batch with their envelopes", async () => {
    let seen = 0;
    await using run = await converse({
      extensions: WITH_BDAT,
      onMail: () => (++seen === 2 ? "silence" : undefined),
    });
    void sendAll(run, THREE);
    while (run.primary.commands.length < 14) await new Promise((resolve) => setImmediate(resolve));
    const verbs = run.primary.commands.map((line) => line.slice(0, 4)).join(" ");
    assert.equal(verbs, "EHLO RSET MAIL RCPT BDAT RSET MAIL RCPT BDAT RSET MAIL RCPT BDAT RSET");
  });

  test("a refused mail leaves neither sender nor recipients to the next one", async () => {
    const refusals: Behaviour[] = [
      { onRcpt: (to) => (to.startsWith("b") ? "550 5.1.1 no" : undefined) },
      { onMail: (sender) => (sender.includes("-b@") ? "550 5.7.1 no" : undefined) },
      { onDot: (mail) => (mail.sender.includes("-b@") ? "554 5.7.1 spam" : undefined) },
    ];
    for (const refusal of refusals) {
      await using run = await converse({ extensions: WITH_BDAT, ...refusal });
      assert.equal(kinds(await sendAll(run, THREE)), "delivered refused delivered");
      assert.deepEqual(
        run.primary.mails.map(({ sender, recipients }) => [sender, recipients]),
        [
          ["from-a@elsewhere.test", ["a@a.test"]],
          ["from-c@elsewhere.test", ["c@a.test"]],
        ],
      );
    }
  });

  test("a streamed body waits for the replies to its recipients, and is not sent if none was accepted", async () => {
    await using run = await converse({
      extensions: WITH_BDAT,
      onRcpt: (to) => (to.startsWith("gone") ? "550 5.1.1 no" : undefined),
    });
    const body = Buffer.from("Subject: s\r\n\r\n..two dots, and no end");
    const taken = inPieces(namedMail("s", { body }));
    const refused = inPieces(namedMail("t", { body, to: ["gone@a.test"] }));
    const mails = [namedMail("a"), taken, refused, namedMail("c")];
    assert.equal(kinds(await sendAll(run, mails)), "delivered delivered refused delivered");
    assert.equal(run.primary.mails[1]?.data.toString(), `${TOP_FIELDS}${body.toString()}`);
    assert.equal(run.primary.commands.filter((line) => line.startsWith("BDAT")).length, 3);
    assert.ok(!run.primary.commands.includes("."));
  });

  test(
    "mails that the kernel does not take at once still follow each other",
    { timeout: 20_000 },
    async () => {
      await using run = await converse({ extensions: WITH_BDAT });
      const body = Buffer.alloc(8_000_000, "x".repeat(998) + "\r\n");
      const results = await sendAll(run, [
        namedMail("a", { body }),
        namedMail("b", { body }),
        namedMail("c"),
      ]);
      assert.equal(kinds(results), "delivered delivered delivered");
      assert.ok(run.primary.mails[1]?.data.equals(Buffer.concat([Buffer.from(TOP_FIELDS), body])));
    },
  );

  test("a streamed body is sent unchanged, without stuffed dots", async () => {
    const body = Buffer.from("Subject: s\r\n\r\n.one\r\n..two\r\n.\r\n");
    for (let piece = 1; piece <= body.length; piece += 5) {
      await using run = await converse({ extensions: WITH_BDAT });
      const pieces = [body.subarray(0, piece), body.subarray(piece, piece + 9), body.subarray(piece + 9)];
      const source = (): BodySource => bodySource(pieces.filter(({ length }) => length > 0));
      const results = await sendAll(run, [
        namedMail("s", { body: source, size: body.length }),
        namedMail("b"),
      ]);
      assert.equal(kinds(results), "delivered delivered");
      assert.equal(run.primary.mails[0]?.data.toString(), `${TOP_FIELDS}${body.toString()}`);
    }
  });

  test("a body that is not as long as recorded ends the connection, after the mails before it", async () => {
    for (const size of [5, 500]) {
      await using run = await converse({ extensions: WITH_BDAT });
      const mails = [namedMail("a"), inPieces(namedMail("s", { size })), namedMail("c")];
      const results = await sendAll(run, mails);
      assert.equal(kinds(results), "delivered deferred released");
      assert.equal(results[1]?.trouble, undefined);
      assert.equal(run.conversation.phase, "over");
    }
  });

  test("a mail with many recipients is not sent before the replies to them are known", async () => {
    await using run = await converse({ extensions: WITH_BDAT });
    const to = Array.from({ length: 150 }, (_, n) => `u${n}@a.test`);
    const results = await sendAll(run, [namedMail("a", { to }), namedMail("b", { to })]);
    assert.ok(results.every(({ outcomes }) => outcomes.size === 150));
    assert.equal(run.primary.mails.length, 2);
  });
});

describe("a cut in flight", () => {
  for (const act of ["close", "reset", "silence"] as const)
    for (const [how, extensions] of [
      ["DATA", WITH_DATA],
      ["BDAT", WITH_BDAT],
    ] as const)
      test(`at each step of the second mail, ${how}, ${act}: only mails that were sent whole are unconfirmed`, async () => {
        const whole = how === "BDAT";
        const steps: readonly (readonly [string, Behaviour, string])[] = [
          ["MAIL", { onMail: (from) => at(from.includes("-b@"), act) }, whole ? "unconfirmed" : "deferred"],
          ["RCPT", { onRcpt: (to) => at(to.startsWith("b"), act) }, whole ? "unconfirmed" : "deferred"],
          ["the end", { onDot: (mail) => at(mail.sender.includes("-b@"), act) }, "unconfirmed"],
        ];
        for (const [step, behaviour, second] of steps) {
          await using run = await converse({ extensions, ...behaviour });
          const sending = sendAll(run, THREE);
          if (act === "silence") {
            await run.primary.received(1);
            for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
            run.conversation.abort();
          }
          const [a, b, c] = kinds(await sending).split(" ");
          assert.equal(`${a} ${b}`, `delivered ${second}`, step);
          if (whole) assert.equal(c, "unconfirmed", step);
          else assert.match(c ?? "", step === "the end" ? /^deferred$/ : /^released$/, step);
        }
      });

  test("421 to one mail releases those behind it, because they were not processed", async () => {
    for (const extensions of [WITH_DATA, WITH_BDAT])
      for (const behaviour of [
        { onMail: (from: string) => (from.includes("-b@") ? "421 4.7.0 enough" : undefined) },
        {
          onDot: ({ sender }: { sender: string }) =>
            sender.includes("-b@") ? "421 4.7.0 enough" : undefined,
        },
      ]) {
        await using run = await converse({ extensions, ...behaviour });
        const results = await sendAll(run, THREE);
        assert.equal(kinds(results), "delivered deferred released");
        assert.equal(results[1]?.trouble?.reply?.code, 421);
        assert.ok(results[2]?.trouble !== undefined);
        assert.equal(run.primary.mails.length, 1);
      }
  });
});

for (const extensions of [WITH_DATA, WITH_BDAT])
  test(`a body that cannot be read causes no trouble of the peer for the mails behind it: ${extensions.join(" ")}`, async () => {
    await using run = await converse({ extensions });
    const pieces = function* (): Generator<Buffer> {
      yield Buffer.alloc(100_000, "x");
      throw new Error("disk");
    };
    await run.conversation.send(namedMail("first"));
    const unreadable = namedMail("b", { body: () => bodySource(pieces()), size: 200_000 });
    const results = await sendAll(run, [namedMail("a"), unreadable, namedMail("c")]);
    assert.equal(kinds(results), "delivered deferred released");
    assert.deepEqual(
      results.map(({ trouble }) => trouble),
      [undefined, undefined, undefined],
    );
  });

for (const extensions of [[], WITH_DATA])
  test(`a refused RSET is not counted against the next mail: ${extensions.join(" ")}`, async () => {
    let open = false;
    await using run = await converse({
      extensions,
      onMail: () => (open ? "503 5.5.1 nested MAIL" : void (open = true)),
      onRcpt: (to) => (to.startsWith("a@") ? "550 5.1.1 no" : undefined),
      onReset: () => "452 4.3.0 not now",
    });
    const results: SendResult[] = [];
    for (const id of ["a", "b"]) results.push(await run.conversation.send(namedMail(id)));
    assert.equal(kinds(results), "refused deferred");
    assert.match(results[1]?.trouble?.message ?? "", /out of step.*452 not now/);
  });

test("whatever is refused or cut, no mail is lost, doubled or delivered to the wrong recipient", async () => {
  const random = seededRandom(7);
  for (let round = 0; round < 60; round++) {
    const extensions = round % 2 === 0 ? WITH_DATA : WITH_BDAT;
    const act = (["550 5.0.0 no", "451 4.0.0 later", "421 4.0.0 bye", "close", "reset"] as const)[round % 5];
    const sometimes = (): string | Act | undefined => (random.below(20) === 0 ? act : undefined);
    await using run = await converse({
      extensions,
      onMail: sometimes,
      onRcpt: sometimes,
      onDot: sometimes,
      ...(round % 2 === 0 && { onData: sometimes }),
    });
    const mails = Array.from({ length: 20 }, (_, n) => {
      const mail = namedMail(`m${n}`, { to: [`m${n}@a.test`, `m${n}-too@a.test`] });
      return random.below(5) === 0 ? inPieces(mail) : mail;
    });
    const results = await sendAll(run, mails);
    const got = Map.groupBy(run.primary.mails, ({ sender }) => sender);
    for (const [n, { outcomes }] of results.entries()) {
      const [here = undefined, ...more] = got.get(`from-m${n}@elsewhere.test`) ?? [];
      assert.equal(more.length, 0, "never twice on one connection");
      for (const { n: position, address } of mails[n]?.recipients ?? []) {
        const kind = outcomes.get(position)?.kind;
        const took = here?.recipients.includes(address) === true;
        const fits = took ? ["delivered", "unconfirmed"] : ["deferred", "refused", "released", "unconfirmed"];
        assert.ok(fits.includes(kind ?? ""), `round ${round}, ${address}: ${kind}, taken ${took}`);
      }
      if (here !== undefined) assert.ok(here.recipients.every((to) => to.startsWith(`m${n}`)));
    }
  }
});

function at(here: boolean, act: Act): Act | undefined {
  return here ? act : undefined;
}
