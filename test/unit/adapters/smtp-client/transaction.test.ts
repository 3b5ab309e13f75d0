/** What the end of a connection means for a mail, by what is known of the octets that had left. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { TLSSocket } from "node:tls";
import { OutOfStep } from "../../../../src/adapters/smtp-client/marks.ts";
import { Transaction } from "../../../../src/adapters/smtp-client/transaction.ts";
import { ConnectionLost, Wire } from "../../../../src/adapters/smtp-client/wire.ts";
import { namedMail } from "../../../support/claimed-mail.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

/** Takes what is written, or never says so. */
function socket(takes: boolean): Socket {
  const write: Duplex["_write"] = (_chunk, _encoding, taken) => void (takes && taken());
  return new Duplex({ read: () => {}, write }) as Socket;
}

const cases: readonly (readonly [string, Socket, behind: boolean, kind: string])[] = [
  ["was taken by the kernel", socket(true), false, "unconfirmed"],
  ["was not taken, and was the last that was written", socket(false), false, "deferred"],
  ["may have been taken, in one batch with what followed", socket(false), true, "unconfirmed"],
  ["was encrypted, of which nobody knows", new TLSSocket(socket(false)), false, "unconfirmed"],
];
for (const [what, to, behind, kind] of cases)
  test(`a mail is ${kind} whose end ${what}`, async () => {
    const wire = new Wire(to, new ManualClock());
    const transaction = new Transaction(namedMail("a"));
    transaction.begin();
    transaction.finish(wire, ["text\r\n.\r\n"]);
    if (behind) wire.write(["MAIL FROM:<b@elsewhere.test>\r\n"]);
    await new Promise(setImmediate);
    transaction.broken(new ConnectionLost("the connection was closed"), wire);
    assert.deepEqual(
      [...transaction.outcomes.values()].map((outcome) => outcome.kind),
      [kind],
    );
    wire.lose("the test is over");
  });

test("a mail is deferred if an encrypted connection is lost before the end of the mail was written", () => {
  const wire = new Wire(new TLSSocket(socket(false)), new ManualClock());
  const transaction = new Transaction(namedMail("a"));
  transaction.begin();
  wire.lose("the peer closed the connection");
  assert.throws(() => transaction.finish(wire, ["text\r\n.\r\n"]), ConnectionLost);
  transaction.broken(wire.lost, wire);
  const [outcome] = transaction.outcomes.values();
  assert.deepEqual(outcome, {
    kind: "deferred",
    reply: { code: 421, enhanced: "4.4.2", text: "the peer closed the connection" },
    ours: true,
  });
});

test("the time of a mail begins at MAIL", async () => {
  const transaction = new Transaction(namedMail("a"));
  assert.equal(transaction.result(undefined, false).took, 0);
  transaction.begin();
  const now = performance.now();
  await new Promise(setImmediate);
  const { took } = transaction.result(undefined, false);
  assert.ok(took > 0 && took < now, `${took}`);
});

test("refusals, and all that follows from them, are dropped when replies are out of step", () => {
  const wire = new Wire(socket(true), new ManualClock());
  const no = { code: 550, text: "no" };
  const refusals: readonly ((mail: Transaction) => void)[] = [
    (mail) => mail.senderRefused(no),
    (mail) => mail.outcomes.set(10, { kind: "refused", reply: no }) && mail.bodyRefused([11], no),
  ];
  for (const refuse of refusals) {
    const transaction = new Transaction(namedMail("a", { to: ["a@a.test", "b@a.test"] }));
    transaction.begin();
    refuse(transaction);
    transaction.broken(new OutOfStep({ code: 250, text: "ok" }), wire);
    const { outcomes, refusedAt, singly } = transaction.result(undefined, false);
    const kinds = Array.from(outcomes.values(), ({ kind }) => kind);
    assert.deepEqual([kinds, refusedAt, singly], [["deferred", "deferred"], undefined, undefined]);
  }
  wire.lose("the test is over");
});
