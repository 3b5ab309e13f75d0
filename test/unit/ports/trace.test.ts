import assert from "node:assert/strict";
import { test } from "node:test";
import { traceKeys } from "../../../src/ports/trace.ts";

test("an accepted mail is found by id, sender, recipients and Message-ID, in lower case", () => {
  const accepted = {
    kind: "mail.accepted",
    id: "m1",
    sender: "Bob@sender.example",
    recipients: ["Alice@example.com", "eve@example.com"],
    ip: "192.0.2.1",
    helo: "mail.sender.example",
    size: 1,
    messageId: "<A1@sender.example>",
  } as const;
  const others = ["alice@example.com", "eve@example.com"];
  assert.deepEqual(traceKeys(accepted), ["m1", "bob@sender.example", "a1@sender.example", ...others]);
  const { messageId: _none, ...nameless } = accepted;
  assert.deepEqual(traceKeys({ ...nameless, sender: "" }), ["m1", ...others], "the null sender is nobody");
});

test("a refusal is found by sender and recipient; one without either leaves no trace", () => {
  const refused = {
    kind: "client.refused",
    ip: "192.0.2.1",
    stage: "rcpt",
    reply: { code: 550, text: "no" },
  } as const;
  assert.deepEqual(traceKeys({ ...refused, sender: "Bob@a.example", recipient: "x@b.example" }), [
    "bob@a.example",
    "x@b.example",
  ]);
  assert.equal(traceKeys(refused), undefined);
});

test("an operator's act on one mail is traced, an act on many is not", () => {
  const act = { kind: "operator.acted", verb: "hold", who: "socket", what: "id x", count: 1 } as const;
  assert.deepEqual(traceKeys({ ...act, id: "x" }), ["x"]);
  assert.equal(traceKeys(act), undefined);
});

test("notices are found by the notified sender and by the recipients that they are about", () => {
  const about = {
    id: "m1",
    sender: "Ann@friend.test",
    recipients: ["bob@one.test"],
    about: "failed",
  } as const;
  const written = { kind: "notice.written", ...about, notice: "n1" } as const;
  assert.deepEqual(traceKeys(written), ["m1", "ann@friend.test", "bob@one.test"]);
  assert.deepEqual(traceKeys({ kind: "notice.sent", id: "n1", to: "Ann@friend.test" }), [
    "n1",
    "ann@friend.test",
  ]);
});

test("events that are not about mail leave no trace", () => {
  assert.equal(traceKeys({ kind: "queue.expired", recipients: 2 }), undefined);
});
