import assert from "node:assert/strict";
import { test } from "node:test";
import { AgeWatch, expiryJob } from "../../../../src/services/queue/queue.ts";
import { FakeWorkStore } from "../../../support/fake-work-store.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

test("the job expires slice by slice and journals the sum", async () => {
  const clock = new ManualClock();
  const store = new FakeWorkStore(clock);
  const journal = new MemoryJournal();
  const retention = {
    waiting: 30 * DAY,
    parked: 7 * DAY,
    refusedContent: 2 * DAY,
    quarantine: 3 * DAY,
    ledger: 90 * DAY,
  };
  let timely = true;
  const expiredAfter: number[] = [];
  const expired = (): void => void expiredAfter.push(store.expired.length);
  const job = expiryJob({ store, journal, clock, retention: () => retention, timely: () => timely, expired });
  store.expireAnswers = [
    { givenUp: 0, deleted: 200, forgotten: 300 },
    { givenUp: 480, deleted: 20, forgotten: 0 },
    { givenUp: 40, deleted: 0, forgotten: 0 },
    { givenUp: 0, deleted: 500, forgotten: 0 },
    { givenUp: 0, deleted: 0, forgotten: 500 },
  ];
  for (let slice = 0; slice < 5; slice++) assert.equal(await job.run(), "again");
  assert.equal(await job.run(), "done");
  assert.deepEqual(expiredAfter, [2, 3], "where some were given up");
  assert.deepEqual(journal.events, [
    { kind: "queue.expired", recipients: 520 },
    { kind: "queue.deleted", recipients: 720 },
  ]);
  const now = clock.now();
  assert.deepEqual(store.expired[0], {
    now,
    waitingBefore: now - 30 * DAY,
    parkedBefore: now - 7 * DAY,
    contentBefore: now - 2 * DAY,
    quarantinedBefore: now - 3 * DAY,
    goneBefore: now - 90 * DAY,
    limit: 500,
  });
  await job.run();
  assert.equal(journal.events.length, 2);
  timely = false;
  const answers = [{ givenUp: 500, deleted: 0, forgotten: 0 }];
  store.expireAnswers = answers;
  assert.equal(await job.run(), "done");
  assert.equal(store.expireAnswers, answers, "while ages cannot be believed, nobody asks the store");
  assert.equal(answers.length, 1);
});

test("a single recipient that expires is journalled as well", async () => {
  const clock = new ManualClock();
  const store = new FakeWorkStore(clock);
  const journal = new MemoryJournal();
  const retention = { waiting: DAY, parked: 7 * DAY, quarantine: DAY, ledger: DAY };
  let woken = 0;
  const parts = { store, journal, clock, retention: () => retention, timely: () => true };
  const job = expiryJob({ ...parts, expired: () => void (woken += 1) });
  store.expireAnswers = [{ givenUp: 1, deleted: 0, forgotten: 0 }];
  assert.deepEqual([await job.run(), await job.run()], ["again", "done"]);
  assert.deepEqual([woken, journal.events], [1, [{ kind: "queue.expired", recipients: 1 }]]);
  assert.equal(
    store.expired[0]?.contentBefore,
    clock.now() - 7 * DAY,
    "unless told otherwise, as all that is parked",
  );
});

test("deleted undecided mail is journalled at once, then once a day with the sum", async () => {
  const clock = new ManualClock();
  const store = new FakeWorkStore(clock);
  const journal = new MemoryJournal();
  const retention = { waiting: DAY, parked: DAY, quarantine: DAY, ledger: DAY };
  const job = expiryJob({
    store,
    journal,
    clock,
    retention: () => retention,
    timely: () => true,
    expired: () => {},
  });
  const told: number[][] = [];
  for (const deleted of [0, 3, 2, 1, 0, 0]) {
    store.expireAnswers = deleted === 0 ? [] : [{ givenUp: 0, deleted, forgotten: 0 }];
    while ((await job.run()) === "again");
    told.push(journal.of("queue.deleted").map(({ recipients }) => recipients));
    clock.advance(10 * HOUR);
    // A clock that somebody sets makes no day longer.
    clock.set(-9 * HOUR);
  }
  assert.deepEqual(told, [[], [3], [3], [3], [3, 3], [3, 3]]);
  assert.equal(journal.of("queue.expired").length, 0);
});

function ageWatch(limits: { oldest: number; waiting: number }) {
  const [journal, clock] = [new MemoryJournal(), new ManualClock()];
  const watch = new AgeWatch({ journal, clock });
  const look = (age: number): void => {
    const oldest = clock.now() - age;
    watch.look([{ domain: "a.test", recipients: 3, oldest }], limits);
  };
  return { journal, clock, look };
}

test("old mail is journalled once an hour for each domain, however the clock is set, and again before it expires", () => {
  const { journal, clock, look } = ageWatch({ oldest: 4 * HOUR, waiting: 10 * DAY });
  look(3 * HOUR);
  assert.equal(journal.events.length, 0);
  clock.set(40 * DAY);
  for (let minute = 0; minute < 90; minute++) {
    look(5 * HOUR);
    clock.set(-DAY);
    clock.advance(60_000);
  }
  assert.equal(journal.of("queue.oldest").length, 2);
  assert.equal(journal.of("queue.expiring").length, 0);
  look(8 * DAY);
  assert.deepEqual(journal.of("queue.expiring"), [
    { kind: "queue.expiring", domain: "a.test", share: 0.8, recipients: 3 },
  ]);
});

test("old mail of one domain does not hide that of another", () => {
  const [journal, clock] = [new MemoryJournal(), new ManualClock()];
  const watch = new AgeWatch({ journal, clock });
  const oldest = clock.now() - 5 * HOUR;
  const work = ["a.test", "b.test"].map((domain) => ({ domain, recipients: 1, oldest }));
  watch.look(work, { oldest: HOUR, waiting: 6 * HOUR });
  for (const kind of ["queue.oldest", "queue.expiring"] as const)
    assert.deepEqual(
      journal.of(kind).map(({ domain }) => domain),
      ["a.test", "b.test"],
    );
});

test("mail close to expiry is journalled at 50, 80 and 95 % of its retention, once each", () => {
  const { journal, look } = ageWatch({ oldest: 100 * DAY, waiting: 10 * DAY });
  const told = [4.9, 5, 6, 7.9, 8, 9, 9.5, 9.9].map((days) => {
    look(days * DAY);
    return journal.of("queue.expiring").length;
  });
  assert.deepEqual(told, [0, 1, 1, 1, 2, 2, 3, 3]);
  look(1 * DAY);
  assert.equal(journal.of("queue.expiring").length, 3);
  look(9.6 * DAY);
  assert.equal(journal.of("queue.expiring").length, 4, "told again after it was younger");
});
