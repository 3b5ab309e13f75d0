import assert from "node:assert/strict";
import { test } from "node:test";
import type { Parked } from "../../../../src/ports/operator.ts";
import { UnreadWatch } from "../../../../src/services/queue/queue.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";

const DAY = 86_400_000;
const NOW = 100 * DAY;
const RETENTION = {
  waiting: 5 * DAY,
  quarantine: 30 * DAY,
  parked: 30 * DAY,
  refusedContent: 8 * DAY,
  ledger: 90 * DAY,
};

function bench() {
  const journal = new MemoryJournal();
  const queue = {
    oldest: undefined as number | undefined,
    parkedNow: { recipients: 0 } as Parked,
    quarantined: async () =>
      queue.oldest === undefined ? { recipients: 0 } : { recipients: 4, oldest: queue.oldest },
    parked: async () => queue.parkedNow,
  };
  const watch = new UnreadWatch(queue, journal);
  return { journal, queue, look: () => watch.look(RETENTION, NOW) };
}

test("an unread quarantine is journalled at 50, 80 and 95 % of its retention, once each", async () => {
  const { journal, queue, look } = bench();
  const lookAt = async (age: number): Promise<number> => {
    queue.oldest = NOW - age;
    await look();
    return journal.of("quarantine.unread").length;
  };
  const told: number[] = [];
  for (const days of [1, 14, 15, 20, 24, 28.4, 28.5, 29.9]) told.push(await lookAt(days * DAY));
  assert.deepEqual(told, [0, 0, 1, 1, 2, 2, 3, 3]);
  assert.deepEqual(journal.of("quarantine.unread")[0], {
    kind: "quarantine.unread",
    recipients: 4,
    age: 15 * DAY,
    left: 15 * DAY,
  });
  queue.oldest = undefined;
  await look();
  assert.equal(await lookAt(1 * DAY), 3, "an empty one is no concern");
  assert.equal(await lookAt(16 * DAY), 4, "told again after it was younger");
  assert.equal(journal.of("parked.unread").length, 0);
});

test("undecided parked mail is journalled by the mail that is deleted next", async () => {
  const { journal, queue, look } = bench();
  const lookAt = async (oldest: number, content?: number): Promise<readonly (readonly number[])[]> => {
    const ofContent = content !== undefined && { oldestContent: NOW - content * DAY };
    queue.parkedNow = { recipients: 9, oldest: NOW - oldest * DAY, ...ofContent };
    await look();
    return journal.of("parked.unread").map(({ age, left }) => [age / DAY, left / DAY]);
  };
  assert.deepEqual(await lookAt(10, 3), []);
  // A refused body is kept for a shorter time, so it may be nearer to its end.
  assert.deepEqual(await lookAt(11, 4), [[4, 4]]);
  assert.deepEqual(await lookAt(15, 5), [[4, 4]]);
  assert.deepEqual(await lookAt(24, 5), [
    [4, 4],
    [24, 6],
  ]);
  queue.parkedNow = { recipients: 0 };
  await look();
  assert.equal((await lookAt(1)).length, 2);
  assert.equal((await lookAt(16)).length, 3);
  assert.deepEqual(journal.of("parked.unread")[0], {
    kind: "parked.unread",
    recipients: 9,
    age: 4 * DAY,
    left: 4 * DAY,
  });
  assert.equal(journal.of("quarantine.unread").length, 0);
});
