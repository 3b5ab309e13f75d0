import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { smtpClient } from "../../../../src/adapters/smtp-client/smtp-client.ts";
import type { Verification } from "../../../../src/ports/smtp-client.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { claimedMail } from "../../../support/claimed-mail.ts";
import { fakePrimary, type Behaviour, type FakePrimary } from "../../../support/fake-primary.ts";
import { targetAt } from "../../../support/primary-conversation.ts";

const client = smtpClient({ hostname: "mx2.test", clock: systemClock(), connect: 5000, greeting: 5000 });
const ASKED = ["alice@a.test", "eve@a.test", "grö@a.test"];

function refusesEve(address: string): string | undefined {
  return address.startsWith("eve") ? "550 5.1.1 no such user" : undefined;
}

async function asking(primary: FakePrimary, addresses = ASKED) {
  const conversation = await client.converse(targetAt(primary.port));
  const verification = await conversation.verify(addresses);
  return { conversation, verification };
}

function codes({ answers }: Verification): Record<string, number> {
  return Object.fromEntries([...answers].map(([address, { code }]) => [address, code]));
}

for (const extensions of [["PIPELINING", "SMTPUTF8"], ["SMTPUTF8"], []] satisfies string[][])
  test(`mailboxes are verified without sending a mail; the peer offers ${extensions.join(", ") || "nothing"}`, async () => {
    const behaviour: Behaviour = { extensions, onRcpt: refusesEve };
    await using primary = await fakePrimary(behaviour);
    const { conversation, verification } = await asking(primary);
    const utf8 = extensions.includes("SMTPUTF8");
    const expected = { "alice@a.test": 250, "eve@a.test": 550, ...(utf8 && { "grö@a.test": 250 }) };
    assert.deepEqual(codes(verification), expected);
    assert.equal(conversation.phase, "idle");
    assert.deepEqual(codes(await conversation.verify(["eve@a.test"])), { "eve@a.test": 550 });
    await conversation.quit();
    const verbs = primary.commands.map((line) => line.slice(0, 4));
    assert.ok(!verbs.includes("DATA"));
    assert.equal(verbs.filter((verb) => verb === "RSET").length, 2);
    assert.equal(
      primary.commands.find((line) => line.startsWith("MAIL")),
      `MAIL FROM:<>${utf8 ? " SMTPUTF8" : ""}`,
    );
    assert.equal(primary.mails.length, 0);
  });

test("a peer that refuses the null sender, answers 421 or closes gives no answers", async () => {
  for (const extensions of [["PIPELINING"], []] satisfies string[][]) {
    await using primary = await fakePrimary({ extensions, onMail: () => "550 5.7.1 no bounces" });
    const { conversation, verification } = await asking(primary, ["alice@a.test"]);
    assert.equal(verification.refused?.code, 550);
    assert.equal(verification.answers.size, 0);
    assert.equal(conversation.phase, "idle");
    primary.behaviour.onMail = () => undefined;
    primary.behaviour.onRcpt = () => "421 4.3.2 going down";
    const closed = await conversation.verify(["alice@a.test"]);
    assert.match(closed.trouble?.message ?? "", /421/);
    assert.equal(closed.answers.size, 0);
    assert.equal(conversation.phase, "over");
    primary.behaviour.onRcpt = () => "close";
    const { verification: cut } = await asking(primary, ["alice@a.test"]);
    assert.ok(cut.trouble !== undefined && cut.answers.size === 0);
  }
});

test("verification waits for the mails in flight", async () => {
  await using primary = await fakePrimary({ extensions: ["PIPELINING"], onRcpt: refusesEve });
  const conversation = await client.converse(targetAt(primary.port));
  const sending = conversation.send(claimedMail({ to: ["eve@a.test", "alice@a.test"] }));
  const [first, second] = [conversation.verify(["alice@a.test"]), conversation.verify(["eve@a.test"])];
  const kinds = Array.from((await sending).outcomes.values(), ({ kind }) => kind);
  assert.deepEqual(kinds, ["refused", "delivered"]);
  assert.deepEqual(
    [codes(await first), codes(await second)],
    [{ "alice@a.test": 250 }, { "eve@a.test": 550 }],
  );
  await conversation.quit();
});

test("an unsolicited reply answers no question, whether the peer has closed or not", async () => {
  for (const stays of [true, false]) {
    const onDot = (): string => "250 2.0.0 taken\r\n250 ok\r\n250 ok\r\n250 ok";
    await using primary = await fakePrimary({ extensions: ["PIPELINING"], onDot });
    const conversation = await client.converse(targetAt(primary.port));
    await conversation.send(claimedMail());
    await primary.received(1);
    if (!stays) await primary.close();
    for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
    const { answers, trouble } = await conversation.verify(["alice@a.test"]);
    assert.deepEqual([answers.size, trouble?.stage], [0, "session"]);
    conversation.abort();
  }
});

test("a 3xx reply to a recipient answers no question, because it fits no command that was sent", async () => {
  for (const extensions of [["PIPELINING"], []] satisfies string[][]) {
    await using primary = await fakePrimary({ extensions, onRcpt: () => "354 go on" });
    const { verification } = await asking(primary, ["alice@a.test"]);
    assert.deepEqual(codes(verification), {});
    assert.match(verification.trouble?.message ?? "", /out of step.* 354 go on/);
  }
});

test("a peer that sends more replies than commands gives no answers", async () => {
  for (const extensions of [["PIPELINING"], []] satisfies string[][])
    for (const more of ["250 2.1.5 ok", "550 5.1.1 no such user"]) {
      const onRcpt = (address: string): string | undefined =>
        address.startsWith("alice") ? `250 2.1.5 ok\r\n${more}` : refusesEve(address);
      await using primary = await fakePrimary({ extensions, onRcpt });
      const { verification } = await asking(primary, ["alice@a.test", "eve@a.test", "bob@a.test"]);
      assert.match(verification.trouble?.message ?? "", /out of step/);
      assert.equal(verification.answers.size, 0);
    }
});

/** Behind a filter that hears one command of each group and loses the others. */
async function hardOfHearing() {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.write("220 primary.test ESMTP\r\n");
    socket.on("data", (octets) => {
      const [line = ""] = octets.toString().split("\r\n");
      if (line.startsWith("EHLO")) socket.write("250-primary.test\r\n250 PIPELINING\r\n");
      else socket.write(line.includes("eve") ? "550 5.1.1 no such user\r\n" : "250 ok\r\n");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => void server.close() };
}

test(
  "a primary that is asked one command at a time is asked so for mailboxes, too",
  { timeout: 10_000 },
  async () => {
    using primary = await hardOfHearing();
    const conversation = await client.converse(targetAt(primary.port, { pipelining: "none" }));
    const verification = await conversation.verify(["alice@a.test", "eve@a.test"]);
    conversation.abort();
    assert.deepEqual(codes(verification), { "alice@a.test": 250, "eve@a.test": 550 });
  },
);

test("a primary that was out of step in a verification gets one command at a time from then on", async () => {
  const counting = smtpClient({ hostname: "mx2.test", clock: systemClock() });
  const tooMuch = `250 2.1.5 ok\r\n250 2.1.5 ok`;
  await using primary = await fakePrimary({ extensions: ["PIPELINING"], onRcpt: () => tooMuch });
  const first = await counting.converse(targetAt(primary.port));
  assert.equal(first.window, 2);
  assert.match((await first.verify(["alice@a.test"])).trouble?.message ?? "", /out of step/);
  const next = await counting.converse(targetAt(primary.port));
  assert.equal(next.window, 1);
  next.abort();
});
