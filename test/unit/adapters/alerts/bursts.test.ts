import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Bursts } from "../../../../src/adapters/alerts/bursts.ts";
import type { Alert } from "../../../../src/ports/alerts.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const MINUTE = 60_000;

let clock: ManualClock;
let bursts: Bursts;
let sent: Alert[];

beforeEach(() => {
  clock = new ManualClock();
  sent = [];
  bursts = new Bursts(clock, (alert) => void sent.push(alert));
});

function raise(name: string, from: number, to: number): void {
  for (let i = from; i < to; i++)
    bursts.add({ name, subject: `mail${i}:25`, text: name, at: clock.now(), facts: {} }, 0);
}

test("twenty alerts of a kind are sent one by one, all others as one after a minute", () => {
  raise("primary.down", 0, 5000);
  assert.equal(sent.length, 20);
  clock.advance(MINUTE);
  const last = sent[20];
  assert.equal(sent.length, 21);
  assert.deepEqual([last?.name, last?.subject, last?.facts["count"]], ["primary.down", "4980 others", 4980]);
  assert.ok(Array.isArray(last?.facts["subjects"]) && last.facts["subjects"].length === 100);
  assert.equal(
    last?.text,
    "primary.down The same of mail21:25, mail22:25, mail23:25 and 4976 more, as many came at once; the log has each.",
  );
});

test("a gathered alert whose subject changes is sent in its latest state", () => {
  raise("primary.down", 0, 22);
  raise("primary.up", 20, 21);
  clock.advance(MINUTE);
  assert.deepEqual(
    sent.slice(20).map(({ name, subject }) => [name, subject]),
    [
      ["primary.up", "mail20:25"],
      ["primary.down", "mail21:25"],
    ],
  );
});

test("alerts that come after a gathered alert was sent are sent a minute later, without the earlier ones", () => {
  raise("primary.down", 0, 24);
  clock.advance(MINUTE);
  raise("primary.down", 24, 28);
  clock.advance(MINUTE - 1);
  assert.equal(sent.length, 21);
  clock.advance(1);
  assert.deepEqual(
    sent.slice(20).map(({ text, facts }) => [text, facts["count"]]),
    [20, 24].map((n) => [
      `primary.down The same of mail${n + 1}:25, mail${n + 2}:25, mail${n + 3}:25, as many came at once; the log has each.`,
      4,
    ]),
  );
  clock.advance(10 * MINUTE);
  assert.equal(sent.length, 22);
});

test("ten minutes after the first alert, gathered alerts are sent and the count begins anew", () => {
  raise("queue.oldest", 0, 20);
  clock.advance(10 * MINUTE - 1);
  raise("queue.oldest", 20, 21);
  assert.equal(sent.length, 20);
  clock.advance(1);
  assert.equal(sent[20]?.subject, "mail20:25");
  raise("queue.oldest", 21, 22);
  assert.equal(sent[21]?.subject, "mail21:25");
  clock.advance(20 * MINUTE);
  assert.equal(sent.length, 22);
});

test("each kind of alert is counted separately, and a stop discards gathered alerts", () => {
  raise("primary.down", 0, 30);
  raise("recipients.stuck", 0, 1);
  assert.equal(sent.length, 21);
  bursts.clear();
  clock.advance(10 * MINUTE);
  assert.equal(sent.length, 21);
});

test("the number of gathered alerts is bounded", () => {
  raise("mail.held", 0, 30_000);
  clock.advance(MINUTE);
  assert.equal(sent[20]?.facts["count"], 10_000);
});

test("a single gathered alert is sent unchanged", () => {
  raise("primary.down", 0, 20);
  raise("primary.up", 3, 4);
  clock.advance(MINUTE);
  const [up] = sent.slice(20);
  assert.deepEqual([up?.name, up?.subject, up?.text], ["primary.up", "mail3:25", "primary.up"]);
});
