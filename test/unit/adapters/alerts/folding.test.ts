import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Folding } from "../../../../src/adapters/alerts/folding.ts";
import type { Alert } from "../../../../src/ports/alerts.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

let clock: ManualClock;
let folding: Folding;
let sent: string[];

beforeEach(() => {
  clock = new ManualClock();
  sent = [];
  folding = new Folding(
    clock,
    ({ subject, text }, repeated) => void sent.push(`${subject} ${text} ${repeated}`),
  );
});

function alert(name: string, text = name, subject = "mail"): Alert {
  return { name, subject, text, at: 0, facts: {} };
}

test("repeated alerts within ten minutes are counted, and the last one is sent after these", () => {
  for (const text of ["first", "second", "third"]) folding.add(alert("queue.oldest", text));
  folding.add(alert("queue.oldest", "other", "elsewhere"));
  assert.deepEqual(sent, ["mail first 0", "elsewhere other 0"]);
  clock.advance(599_999);
  assert.equal(sent.length, 2);
  clock.advance(1);
  assert.equal(sent[2], "mail third 2");
  clock.advance(599_999);
  folding.add(alert("queue.oldest", "fourth"));
  assert.equal(sent.length, 3, "what was told at the end is folded as well");
  clock.advance(1);
  assert.equal(sent[3], "mail fourth 1");
  clock.advance(600_000);
  assert.equal(sent.length, 4);
  folding.add(alert("queue.oldest", "later"));
  assert.equal(sent[4], "mail later 0");
});

test("the end of a trouble is sent at once", () => {
  folding.add(alert("primary.down"));
  folding.add(alert("primary.up"));
  assert.deepEqual(sent, ["mail primary.down 0", "mail primary.up 0"]);
  clock.advance(600_000);
  assert.equal(sent.length, 2);
});

test("a quota that is reached again is sent at once, and no outdated end of it follows", () => {
  for (const name of ["reached", "left", "reached"]) folding.add(alert(`quota.${name}`));
  assert.deepEqual(sent, ["mail quota.reached 0", "mail quota.left 0", "mail quota.reached 0"]);
  clock.advance(600_000);
  assert.equal(sent.length, 3);
});

test("a thread that is silent again is sent at once, and no outdated end of it follows", () => {
  for (const name of ["silent", "answers", "silent"]) folding.add(alert(`thread.${name}`));
  assert.deepEqual(sent, ["mail thread.silent 0", "mail thread.answers 0", "mail thread.silent 0"]);
  clock.advance(600_000);
  assert.equal(sent.length, 3);
});

test("after flapping, the last alert tells the present state", () => {
  for (const name of ["down", "up", "down", "up", "down", "up", "down", "up"])
    folding.add(alert(`primary.${name}`));
  assert.equal(sent.length, 5);
  clock.advance(600_000);
  assert.equal(sent[5], "mail primary.up 3");
});

test("alerts of different kinds do not hide each other", () => {
  folding.add(alert("queue.oldest"));
  folding.add(alert("queue.expiring"));
  assert.equal(sent.length, 2);
});

test("beyond a thousand subjects no state is remembered, and no alert is lost", () => {
  for (let i = 0; i < 1500; i++) folding.add(alert("queue.oldest", "x", `domain ${i}`));
  assert.equal(sent.length, 1500);
  folding.add(alert("queue.oldest", "x", "domain 1499"));
  folding.add(alert("queue.oldest", "x", "domain 0"));
  assert.equal(sent.length, 1501);
});

test("an alert that is not a state neither hides a state at the end of a fold nor is hidden by it", () => {
  for (const [family, states, other] of [
    ["primary", ["down", "up"], "slow"],
    ["store", ["sick", "ok"], "checked"],
  ] as const) {
    for (let i = 0; i < 3; i++) for (const state of states) folding.add(alert(`${family}.${state}`));
    folding.add(alert(`${family}.${other}`));
    assert.equal(sent.at(-1), `mail ${family}.${other} 0`);
    folding.add(alert(`${family}.${states[0]}`));
    folding.add(alert(`${family}.${states[1]}`));
    clock.advance(600_000);
    assert.equal(sent.at(-1), `mail ${family}.${states[1]} 3`);
  }
});
