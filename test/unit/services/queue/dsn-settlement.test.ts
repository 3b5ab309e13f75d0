import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../../../../src/mail/outcome.ts";
import type { ClaimedRecipient } from "../../../../src/ports/work-store.ts";
import { settleDsn } from "../../../../src/services/queue/queue.ts";
import { claimedMail } from "../../../support/claimed-mail.ts";

const MINUTE = 60_000;
const NOW = 1_000_000;
const FACTS = { now: NOW, random: () => 0.5, retention: NOW + MINUTE, flushed: false };
const DEFERRED: Outcome = { kind: "deferred", reply: { code: 451, text: "later" } };
const UNCONFIRMED: Outcome = { kind: "unconfirmed", why: "no reply" };

/** State, reason and the minutes until it is due. */
function next(outcome: Outcome, recipient: Partial<ClaimedRecipient> = {}, change = {}): string {
  const [settlement] = settleDsn(claimedMail({ to: [recipient] }), outcome, { ...FACTS, ...change });
  const { state, reason = "", dueAt } = settlement ?? {};
  return `${state} ${reason}${dueAt === undefined ? "" : (dueAt - NOW) / MINUTE}`;
}

test("a DSN that was delivered or refused is closed without a further notice", () => {
  const reply = { code: 550, text: "no" };
  assert.equal(next({ kind: "delivered", reply: { code: 250, text: "ok" } }), "gone delivered");
  assert.equal(next({ kind: "refused", reply }), "gone refused");
  assert.equal(next({ kind: "damaged", why: "it is not what it was" }), "gone damaged");
  const settlements = settleDsn(claimedMail(), { kind: "refused", reply }, FACTS);
  assert.ok(settlements.every(({ owes }) => owes === undefined));
});

test("the age of a DSN counts from the time when it was written", () => {
  const mail = claimedMail({ acceptedAt: NOW - MINUTE });
  const state = (retention: number) => settleDsn(mail, DEFERRED, { ...FACTS, retention })[0]?.state;
  assert.deepEqual([state(MINUTE), state(MINUTE + 1)], ["gone", "waiting"]);
});

test("a deferred DSN is due again after 5 min doubling to 4 h, or at once if all mail was made due", () => {
  const delays = [0, 1, 2, 5, 6, 60].map((attempts) => next(DEFERRED, { attempts }));
  assert.deepEqual(delays, [
    "waiting 5",
    "waiting 10",
    "waiting 20",
    "waiting 160",
    "waiting 240",
    "waiting 240",
  ]);
  assert.equal(next(DEFERRED, { attempts: 3 }, { flushed: true }), "waiting 0");
  assert.equal(next({ kind: "released" }, { attempts: 3 }), "waiting 0");
  assert.equal(next(UNCONFIRMED, { unconfirmed: 1 }), "unconfirmed 5");
});

test("a DSN is dropped after three lost replies, or when it fails again and is too old", () => {
  assert.equal(next(UNCONFIRMED, { unconfirmed: 2 }), "gone unconfirmed");
  const old = { retention: NOW };
  assert.equal(next(DEFERRED, {}, old), "gone expired");
  assert.equal(next(UNCONFIRMED, {}, old), "gone expired");
  assert.equal(next({ kind: "released" }, {}, old), "waiting 0");
});
