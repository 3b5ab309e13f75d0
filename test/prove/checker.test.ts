import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { Ledger } from "./checker.ts";

const BODY = Buffer.from("X-Proof-Id: 1\r\n\r\nbody\r\n");
const HASH = createHash("sha256").update(BODY).digest("hex");
const TO = ["a@example.test", "b@example.test"];

function acked(): Ledger {
  const ledger = new Ledger();
  ledger.offer("1", BODY, TO);
  ledger.ack("1", TO);
  return ledger;
}

function arrival(changes: Partial<Parameters<Ledger["sink"]>[0]> = {}): Parameters<Ledger["sink"]>[0] {
  return { proofId: "1", queueId: "q1", recipients: TO, hash: HASH, ...changes };
}

test("a mail that was acknowledged and arrived once is correct, in one transfer or in several", () => {
  const ledger = acked();
  ledger.sink(arrival({ recipients: ["A@example.test"] }));
  assert.equal(ledger.missing(), 1);
  ledger.sink(arrival({ recipients: ["b@example.test"] }));
  assert.equal(ledger.missing(), 0);
  assert.deepEqual(ledger.check().failures, []);
});

test("an acknowledged mail that reached one recipient only is lost for the other", () => {
  const ledger = acked();
  ledger.sink(arrival({ recipients: ["a@example.test"] }));
  assert.deepEqual(ledger.check().failures, ["lost: 1 for b@example.test"]);
});

test("mail that the product still holds is not lost", () => {
  const ledger = acked();
  for (const recipient of TO) ledger.hold("1", recipient);
  assert.deepEqual(ledger.check().failures, []);
});

test("a duplicate is a failure unless it was marked, as often as it was marked", () => {
  const ledger = acked();
  ledger.sink(arrival());
  ledger.sink(arrival({ recipients: ["a@example.test"] }));
  assert.match(ledger.check().failures[0] ?? "", /^doubled: 1 for a@example.test, 2 times/);
  ledger.name("q1", "a@example.test", 1);
  const named = ledger.check();
  assert.deepEqual(named.failures, []);
  assert.equal(named.counts.doubledButNamed, 1);
  ledger.sink(arrival({ recipients: ["a@example.test"] }));
  assert.equal(ledger.check().counts.doubled, 1);
});

test("two queue entries from one offered mail are a duplicate, whatever was marked", () => {
  const ledger = acked();
  ledger.name("q1", "a@example.test", 5);
  ledger.sink(arrival());
  ledger.sink(arrival({ queueId: "q2", recipients: ["a@example.test"] }));
  assert.equal(ledger.check().counts.doubled, 1);
});

test("an altered body is a failure", () => {
  const ledger = acked();
  ledger.sink(arrival({ hash: "other" }));
  assert.deepEqual(ledger.check().failures, ["altered: 1"]);
});

test("a delivery of mail that was refused, never offered or offered for another recipient is a failure", () => {
  const ledger = acked();
  ledger.sink(arrival());
  ledger.offer("2", BODY, TO);
  ledger.nack("2", 550);
  ledger.sink(arrival({ proofId: "2", recipients: ["a@example.test"] }));
  ledger.sink(arrival({ proofId: "3", recipients: ["a@example.test"] }));
  ledger.sink(arrival({ proofId: undefined, recipients: ["a@example.test"] }));
  ledger.sink(arrival({ recipients: ["c@example.test"] }));
  assert.equal(ledger.check().counts.invented, 4);
});

test("a mail of unknown fate may arrive once or not at all", () => {
  const ledger = new Ledger();
  ledger.offer("1", BODY, TO);
  ledger.unknown("1", TO);
  assert.deepEqual(ledger.check().failures, []);
  ledger.sink(arrival());
  assert.deepEqual(ledger.check().failures, []);
  ledger.sink(arrival());
  assert.equal(ledger.check().counts.doubled, 2);
});

test("the ledger rejects contradictory entries", () => {
  const ledger = acked();
  assert.throws(() => ledger.offer("1", BODY, TO), /offered before/);
  assert.throws(() => ledger.nack("1", 550), /is acked/);
  assert.throws(() => ledger.ack("9", TO), /never offered/);
});

test("a long list of failures is cut and ends with its length", () => {
  const ledger = new Ledger();
  for (let n = 0; n < 50; n++) {
    ledger.offer(String(n), BODY, ["a@example.test"]);
    ledger.ack(String(n), ["a@example.test"]);
  }
  const { counts, failures } = ledger.check();
  assert.equal(counts.lost, 50);
  assert.equal(failures.at(-1), "and 30 more");
});
