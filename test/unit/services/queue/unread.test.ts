import assert from "node:assert/strict";
import { test } from "node:test";
import { QuarantineWatch } from "../../../../src/services/queue/queue.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";

const DAY = 86_400_000;
const RETENTION = 30 * DAY;

test("a quarantine that nobody looks at is told of at 50, 80 and 95 %, once each", async () => {
  const journal = new MemoryJournal();
  let oldest: number | undefined;
  const quarantined = async () => (oldest === undefined ? { recipients: 0 } : { recipients: 4, oldest });
  const watch = new QuarantineWatch({ quarantined }, journal);
  const look = async (age: number): Promise<number> => {
    oldest = 100 * DAY - age;
    await watch.look(RETENTION, 100 * DAY);
    return journal.of("quarantine.unread").length;
  };
  const told: number[] = [];
  for (const days of [1, 14, 15, 20, 24, 28.4, 28.5, 29.9]) told.push(await look(days * DAY));
  assert.deepEqual(told, [0, 0, 1, 1, 2, 2, 3, 3]);
  assert.deepEqual(journal.of("quarantine.unread")[0], {
    kind: "quarantine.unread",
    recipients: 4,
    age: 15 * DAY,
    left: 15 * DAY,
  });
  oldest = undefined;
  await watch.look(RETENTION, 100 * DAY);
  assert.equal(await look(1 * DAY), 3, "an empty one is no concern");
  assert.equal(await look(16 * DAY), 4, "told again after it was younger");
});
