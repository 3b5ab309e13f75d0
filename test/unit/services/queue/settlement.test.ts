import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../../../../src/mail/outcome.ts";
import { LEGAL_MOVES } from "../../../../src/ports/recipient-state.ts";
import type { ClaimedMail, ClaimedRecipient } from "../../../../src/ports/work-store.ts";
import { settle } from "../../../../src/services/queue/queue.ts";

const MINUTE = 60_000;
const facts = { now: 1_000_000, random: () => 0.5 };

function mailFor(recipients: readonly Partial<ClaimedRecipient>[]): ClaimedMail {
  return {
    recipients: recipients.map((each, n) => ({
      n,
      address: "u@a.test",
      attempts: 0,
      unconfirmed: 0,
      ...each,
    })),
  } as unknown as ClaimedMail;
}

function one(outcome: Outcome, recipient: Partial<ClaimedRecipient> = {}) {
  const [settlement] = settle(mailFor([recipient]), new Map([[0, outcome]]), facts);
  assert.ok(settlement !== undefined && LEGAL_MOVES.claimed.includes(settlement.state));
  const { state, reason, dueAt } = settlement;
  return [state, reason, dueAt === undefined ? undefined : dueAt - facts.now];
}

const reply = (code: number, enhanced?: string) =>
  enhanced === undefined ? { code, text: "" } : { code, enhanced, text: "" };

test("outcomes delivered, refused and released lead to their states", () => {
  assert.deepEqual(one({ kind: "delivered", reply: reply(250) }), ["gone", "delivered", undefined]);
  assert.deepEqual(one({ kind: "refused", reply: reply(550) }), ["parked", "refused", undefined]);
  assert.deepEqual(one({ kind: "released" }), ["waiting", undefined, 0]);
  assert.deepEqual(one({ kind: "damaged", why: "gone" }), ["held", "damaged", undefined]);
});

test("after a 4xx a recipient waits 1 min doubling to 1 h", () => {
  const delays = [0, 1, 2, 5, 6, 7, 100].map(
    (attempts) => one({ kind: "deferred", reply: reply(451) }, { attempts })[2],
  );
  assert.deepEqual(
    delays.map((delay) => Number(delay) / MINUTE),
    [1, 2, 4, 32, 60, 60, 60],
  );
});

test("the delay after a 4xx varies by 10 %", () => {
  const delays = [0, 0.999].map((chance) => {
    const outcomes = new Map([[0, { kind: "deferred", reply: reply(451) } as Outcome]]);
    const [settlement] = settle(mailFor([{}]), outcomes, { now: 0, random: () => chance });
    return settlement?.dueAt ?? 0;
  });
  assert.deepEqual(
    delays.map((delay) => Math.round(delay / 1000)),
    [54, 66],
  );
});

test("after a 421 a recipient is due at once the first time, then as after a 4xx", () => {
  const delays = [0, 1, 2].map((attempts) => one({ kind: "deferred", reply: reply(421) }, { attempts })[2]);
  assert.deepEqual(delays, [0, MINUTE, 2 * MINUTE]);
});

test("after a lost reply a recipient waits 1 min doubling; the third lost reply holds the mail", () => {
  const lost: Outcome = { kind: "unconfirmed", why: "silence" };
  assert.deepEqual(one(lost), ["unconfirmed", undefined, MINUTE]);
  assert.deepEqual(one(lost, { unconfirmed: 1 }), ["unconfirmed", undefined, 2 * MINUTE]);
  assert.deepEqual(one(lost, { unconfirmed: 2 }), ["held", "unconfirmed", undefined]);
});

test("recipients beyond the primary's limit for one transaction are due at once if some were accepted", () => {
  const tooMany: Outcome = { kind: "deferred", reply: reply(452, "4.5.3") };
  const taken: Outcome = { kind: "delivered", reply: reply(250) };
  const outcomes = new Map<number, Outcome>([[0, taken]]);
  const wait = (said: Outcome): number => {
    const [, second] = settle(mailFor([{}, {}]), outcomes.set(1, said), facts);
    return (second?.dueAt ?? NaN) - facts.now;
  };
  const deferred = (code: number, enhanced?: string): Outcome => ({
    kind: "deferred",
    reply: reply(code, enhanced),
  });
  assert.deepEqual([wait(tooMany), wait(deferred(452))], [0, 0]);
  for (const other of [deferred(452, "4.2.2"), deferred(451, "4.5.3"), deferred(451)])
    assert.equal(wait(other), MINUTE);
  const alone = settle(mailFor([{}]), new Map([[0, tooMany]]), facts);
  assert.equal(alone[0]?.dueAt, facts.now + MINUTE);
});

test("recipients without an outcome are released", () => {
  const [settlement] = settle(mailFor([{}]), new Map(), facts);
  assert.deepEqual(settlement, { n: 0, outcome: { kind: "released" }, state: "waiting", dueAt: facts.now });
});

test("a sender is owed a notice of refusals, and of success if no later server reports it", () => {
  const owed = (
    code: number,
    notify?: string,
    more: { dsn?: boolean; content?: ReadonlySet<number> } = {},
  ) => {
    const kind = code < 300 ? "delivered" : code < 500 ? "deferred" : "refused";
    const outcomes = new Map([[0, { kind, reply: reply(code) } as Outcome]]);
    const mail = mailFor([notify === undefined ? {} : { notify }]);
    const [settlement] = settle(mail, outcomes, { ...facts, ...more });
    return `${settlement?.reason ?? settlement?.state} ${settlement?.owes ?? "nothing"}`;
  };
  assert.equal(owed(550), "refused failed");
  assert.equal(owed(550, "NEVER"), "refused failed");
  assert.equal(owed(550, undefined, { content: new Set([0]) }), "content failed");
  assert.equal(owed(550, undefined, { content: new Set([1]) }), "refused failed");
  assert.equal(owed(451, "DELAY"), "waiting nothing");
  assert.equal(owed(451, "SUCCESS"), "waiting nothing");
  assert.equal(owed(250), "delivered nothing");
  assert.equal(owed(250, "FAILURE"), "delivered nothing");
  assert.equal(owed(250, "SUCCESS,FAILURE"), "delivered relayed");
  assert.equal(owed(250, "SUCCESS", { dsn: true }), "delivered nothing");
  assert.equal(owed(550, "SUCCESS", { dsn: true }), "refused failed");
  const held = settle(mailFor([{}]), new Map([[0, { kind: "refused", reply: reply(550) } as Outcome]]), {
    ...facts,
    held: new Set([0]),
  });
  assert.deepEqual([held[0]?.state, held[0]?.reason, held[0]?.owes], ["held", "probation", undefined]);
});
