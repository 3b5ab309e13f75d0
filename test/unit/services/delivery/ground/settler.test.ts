import assert from "node:assert/strict";
import { test } from "node:test";
import { reroutedKey } from "../../../../../src/mail/delivery-key.ts";
import type { Outcome } from "../../../../../src/mail/outcome.ts";
import type { SettleRequest } from "../../../../../src/ports/work-store.ts";
import { loggerTo } from "../../../../../src/runtime/log.ts";
import { Settler } from "../../../../../src/services/delivery/ground/settler.ts";
import { claimedMail } from "../../../../support/claimed-mail.ts";
import { deliveryBench } from "../../../../support/delivery-bench.ts";
import { primaryAt } from "../../../../support/fake-directory.ts";
import { DELIVERED, allOf } from "../../../../support/fake-smtp-client.ts";
import { FakeWorkStore } from "../../../../support/fake-work-store.ts";
import { ManualClock } from "../../../../support/manual-clock.ts";
import { MemoryJournal } from "../../../../support/memory-journal.ts";
import { idle } from "../../../../support/settle.ts";

function settler(settle: (request: SettleRequest) => Promise<boolean>) {
  const [clock, journal] = [new ManualClock(), new MemoryJournal()];
  const store = Object.assign(new FakeWorkStore(clock), { settle });
  const logged: string[] = [];
  const log = loggerTo((level, message) => logged.push(`${level}: ${message}`));
  return { clock, journal, logged, settler: new Settler({ store, journal, log, clock, random: () => 0.5 }) };
}

const DELAYED = { kind: "deferred", reply: { code: 451, text: "later" } } as const;
const NO_USER = { kind: "refused", reply: { code: 550, text: "no such user" } } as const;
const SILENCE = { kind: "unconfirmed", why: "silence" } as const;
const TAKEN = { kind: "delivered", reply: { code: 250, text: "taken" } } as const;

test("each recipient's end is told, with what is known of it", async () => {
  const { clock, journal, settler: it } = settler(async () => true);
  const now = clock.now();
  const outcomes: readonly (readonly [Outcome, unconfirmed: number, told: object | undefined])[] = [
    [TAKEN, 0, { kind: "mail.delivered", reply: TAKEN.reply, age: 500 }],
    [TAKEN, 1, { kind: "mail.delivered", reply: TAKEN.reply, age: 500, maybeDouble: true }],
    [DELAYED, 1, { kind: "mail.deferred", reply: DELAYED.reply, dueAt: now + 60_000 }],
    [NO_USER, 0, { kind: "mail.parked", reply: NO_USER.reply }],
    [SILENCE, 0, { kind: "mail.unconfirmed", why: "silence", dueAt: now + 60_000 }],
    [SILENCE, 2, { kind: "mail.held", why: "silence", reason: "unconfirmed" }],
    [{ kind: "damaged", why: "gone" }, 0, { kind: "mail.held", why: "gone", reason: "damaged" }],
    [{ kind: "released" }, 0, undefined],
  ];
  const to = outcomes.map(([, unconfirmed], n) => ({ n, unconfirmed, address: `r${n}@a.test` }));
  const mail = claimedMail({ to, acceptedAt: now - 500 });
  const destination = "192.0.2.5:25";
  await it.finish(mail, { outcomes: new Map(outcomes.map(([outcome], n) => [n, outcome])), destination });
  assert.deepEqual(
    journal.events,
    outcomes.flatMap(([, , told], n) =>
      told === undefined
        ? []
        : [{ id: mail.id, recipient: `r${n}@a.test`, domain: "a.test", destination, ...told }],
    ),
  );
});

test("mail that an operator sent elsewhere is told of under its own domain", async () => {
  const { journal, settler: it } = settler(async () => true);
  const mail = { ...claimedMail(), domain: reroutedKey("a.test", "192.0.2.7:2525") };
  await it.finish(mail, { outcomes: new Map([[10, DELIVERED]]) });
  assert.equal(journal.of("mail.delivered")[0]?.domain, "a.test");
});

test("a stop waits for what decides on results, and for what is written then", async () => {
  const written: SettleRequest[] = [];
  const { settler: it } = settler(async (request) => written.push(request) > 0);
  const decided = Promise.withResolvers<void>();
  void it.awaiting(
    decided.promise.then(() => it.finish(claimedMail(), { outcomes: new Map([[10, DELIVERED]]) })),
  );
  let stopped = false;
  const stop = it.stop(1000).then(() => (stopped = true));
  await idle();
  assert.equal(stopped, false);
  decided.resolve();
  await stop;
  assert.equal(written.length, 1);
});

test("a mail that was accepted by a clock that was ahead has no age below zero", async () => {
  const { clock, journal, settler: it } = settler(async () => true);
  const mail = claimedMail({ acceptedAt: clock.now() + 1000 });
  await it.finish(mail, { outcomes: new Map([[10, DELIVERED]]) });
  assert.deepEqual(
    journal.of("mail.delivered").map(({ age, destination }) => [age, destination]),
    [[0, undefined]],
  );
});

test("what is written names the primary, and the hash of the body where anybody got it", async () => {
  const written: SettleRequest[] = [];
  const { clock, settler: it } = settler(async (request) => written.push(request) > 0);
  const bare = claimedMail({ to: [{ n: 0 }, { n: 1 }] });
  const mail = { ...bare, body: { ...bare.body, digest: () => "ab12" } };
  const both = (one: Outcome, other: Outcome) =>
    new Map([
      [0, one],
      [1, other],
    ]);
  const destination = "192.0.2.5:25";
  await it.finish(mail, { outcomes: both(DELAYED, TAKEN), destination });
  await it.finish(mail, { outcomes: both(DELAYED, NO_USER), destination });
  await it.release(mail);
  const claim = { id: mail.id, token: mail.token, now: clock.now(), recipients: undefined };
  assert.deepEqual(
    written.map((request) => Object.assign({}, request, { recipients: undefined })),
    [{ ...claim, destination, hash: "ab12" }, { ...claim, destination }, claim],
  );
});

test("of a claim that was lost nothing is told", async () => {
  const { journal, logged, settler: it } = settler(async () => false);
  assert.equal(await it.finish(claimedMail(), { outcomes: new Map([[10, DELIVERED]]) }), undefined);
  assert.deepEqual(journal.events, []);
  assert.deepEqual(logged, ["warn: claim was lost before it was settled"]);
});

test("a stop waits for the store as long as it may, then what it does not take is given up", async () => {
  let tries = 0;
  const {
    clock,
    logged,
    settler: it,
  } = settler(async () => {
    tries += 1;
    throw new Error("the store is out of order");
  });
  const [ended, stopped] = [[] as unknown[], [] as unknown[]];
  void it.finish(claimedMail(), { outcomes: new Map([[10, DELIVERED]]) }).then((end) => ended.push(end));
  void it.stop(5000).then(() => stopped.push("stopped"));
  for (let second = 0; second < 5; second++) {
    assert.deepEqual([stopped, ended], [[], []]);
    await idle();
    clock.advance(1000);
  }
  await idle();
  clock.advance(1000);
  await idle();
  const tried = tries;
  clock.advance(10_000);
  await idle();
  assert.deepEqual([stopped, ended, tries], [["stopped"], [undefined], tried]);
  assert.deepEqual(logged, Array(tries).fill("error: settling failed, trying again"));
});

test("what a primary took while the store was sick is settled once the store is well, and is not sent twice", async () => {
  const bench = deliveryBench();
  bench.directory.set("a.test", [primaryAt("192.0.2.5", 25)]);
  const server = bench.client.server("192.0.2.5:25");
  let sent = 0;
  server.onMail = (mail) => {
    sent += 1;
    // The disk fails between the claim and the primary's last word.
    bench.store.failure = new Error("the store is out of order");
    bench.store.condition("sick");
    return allOf(mail, DELIVERED);
  };
  bench.store.put({ domain: "a.test" });
  await bench.start();
  await bench.pass(30_000, 500);
  assert.deepEqual(bench.store.count(), { claimed: 1 });
  assert.equal(bench.journal.of("mail.delivered").length, 0, "nothing is said before it is written");

  bench.store.failure = undefined;
  bench.store.condition("ok");
  await bench.pass(3000);
  assert.deepEqual(bench.store.count(), { gone: 1 });
  assert.equal(bench.store.settled.at(-1)?.hash, "digest of mail-1");
  assert.equal(sent, 1);
  assert.equal(bench.journal.of("mail.delivered").length, 1);
});
