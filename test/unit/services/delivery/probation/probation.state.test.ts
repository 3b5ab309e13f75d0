/** How a probation goes on after a stop, mail by mail. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../../../../../src/mail/outcome.ts";
import type { SendResult } from "../../../../../src/ports/smtp-client.ts";
import { Probation } from "../../../../../src/services/delivery/probation/probation.ts";
import { allOf, DELIVERED } from "../../../../support/fake-smtp-client.ts";
import { claimedMail } from "../../../../support/claimed-mail.ts";

const MINUTE = 60_000;
const NO_USER: Outcome = { kind: "refused", reply: { code: 550, text: "no such user" } };
const SPAM: Outcome = { kind: "refused", reply: { code: 554, text: "spam" } };
const LATER: Outcome = { kind: "deferred", reply: { code: 451, text: "later" } };

/** One that is answered mail by mail, each for a recipient of its own that exists. */
function proving() {
  const probation = new Probation(0);
  let count = 0;
  const answer = (outcome: Outcome, now: number, refusedAt?: SendResult["refusedAt"]) => {
    const mail = claimedMail({ to: [`user${count++}@a.test`] });
    const result = { ...allOf(mail, outcome), ...(refusedAt !== undefined && { refusedAt }) };
    const refused = refusedAt === undefined && outcome.kind === "refused";
    const known = new Set(refused ? result.outcomes.keys() : []);
    probation.take(1);
    return probation.judge({ mail, result, known }, now).change;
  };
  return { probation, answer };
}

test("a canary that did not go may go at once", () => {
  const { probation, answer } = proving();
  answer(NO_USER, 0);
  assert.deepEqual([probation.room(5 * MINUTE - 1), probation.room(5 * MINUTE)], [0, 1]);
  probation.take(1);
  assert.equal(probation.room(5 * MINUTE), 0);
  probation.unsent(1);
  assert.equal(probation.room(5 * MINUTE), 1);
});

test("what was on its way when it stopped moves neither the canary nor the beginning of the stop", () => {
  const { probation } = proving();
  const refused = (address: string, now: number): void => {
    const mail = claimedMail({ to: [address] });
    const result = allOf(mail, NO_USER);
    probation.judge({ mail, result, known: new Set(result.outcomes.keys()) }, now);
  };
  probation.take(2);
  refused("alice@a.test", 1000);
  refused("bob@a.test", 2000);
  assert.deepEqual([probation.since, probation.canaryAt], [1000, 1000 + 5 * MINUTE]);
});

test("a canary that is taken begins it anew: five at a time, twenty more, and five minutes after another stop", () => {
  const { probation, answer } = proving();
  for (let i = 0; i < 15; i++) answer(DELIVERED, 0);
  assert.equal(answer(NO_USER, 0), "stopped");
  assert.equal(answer(NO_USER, 5 * MINUTE), undefined);
  assert.equal(probation.canaryAt, 15 * MINUTE);
  assert.equal(answer(DELIVERED, 15 * MINUTE), "resumed");
  assert.equal(probation.room(15 * MINUTE), 5);
  for (let i = 0; i < 18; i++) assert.equal(answer(DELIVERED, 16 * MINUTE), undefined);
  assert.equal(answer(NO_USER, 17 * MINUTE), "stopped");
  assert.equal(probation.canaryAt, 22 * MINUTE);
});

test("bodies that were refused before a canary was taken are forgotten", () => {
  const { probation, answer } = proving();
  answer(DELIVERED, 0);
  for (let i = 0; i < 9; i++) assert.equal(answer(SPAM, 0, "body"), undefined);
  assert.equal(answer(SPAM, 0, "body"), "stopped");
  assert.equal(answer(DELIVERED, 5 * MINUTE), "resumed");
  answer(SPAM, 5 * MINUTE, "body");
  assert.equal(probation.stopped, false);
});

test("a sender that is put off is not refused", () => {
  const { probation, answer } = proving();
  assert.equal(answer(LATER, 0, "mail"), undefined);
  assert.equal(probation.stopped, false);
});

test("strangers that are refused beside those who get the mail are no refused bodies", () => {
  const { probation, answer } = proving();
  for (let i = 0; i < 9; i++) {
    const mail = claimedMail({ to: ["user@a.test", `stranger${i}@a.test`] });
    const outcomes = new Map(mail.recipients.map(({ n }, at) => [n, at === 0 ? DELIVERED : NO_USER]));
    probation.take(1);
    probation.judge({ mail, result: { outcomes, took: 1 }, known: new Set() }, 0);
  }
  assert.equal(answer(SPAM, 0, "body"), undefined);
  assert.equal(probation.stopped, false);
});
