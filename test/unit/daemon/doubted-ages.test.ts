import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { DoubtedAges } from "../../../src/daemon/doubted-ages.ts";
import type { JournalEvent } from "../../../src/ports/journal.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { idle } from "../../support/settle.ts";
import { SILENT } from "../../support/silent-log.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let clock: ManualClock;
let noted: number | undefined;
let full: boolean;
/** What was logged, and how long it said is left, where it did. */
let told: (readonly [event: string, left: unknown])[];
/** Another thread has seen that the clock was set. */
let seen: (by: number) => Promise<void>;

beforeEach(() => {
  clock = new ManualClock();
  noted = undefined;
  full = false;
  told = [];
});

const note = {
  read: () => noted,
  write: async (until: number) => {
    if (full) throw new Error("ENOSPC");
    noted = until;
  },
};

async function start(lastUsed: number | undefined = clock.now()): Promise<DoubtedAges> {
  const ages = await DoubtedAges.open({ clock, note, lastUsed });
  const listeners: ((event: JournalEvent, at: number) => void)[] = [];
  ages.follow({
    log: { ...SILENT, warn: (event, fields) => void told.push([event, fields?.["left"]]) },
    subscribe: (listener) => void listeners.push(listener),
  });
  seen = async (by) => {
    clock.set(by);
    for (const listener of listeners) listener({ kind: "clock.set", by }, clock.now());
    await idle();
  };
  return ages;
}

test("ages are in doubt for a day if the data folder was unused for two days, however often a thread starts", async () => {
  const ages = await start(clock.now() - 2 * DAY);
  assert.deepEqual([ages.left(), told], [DAY, [["clock.doubted", undefined]]]);
  clock.advance(DAY / 4);
  assert.equal(ages.left(), (DAY / 4) * 3);
  clock.advance(DAY);
  assert.equal(ages.left(), 0);
});

test("ages are not in doubt if the folder is new, was used yesterday, or was last used in the future", async () => {
  for (const lastUsed of [undefined, clock.now() - 2 * DAY + 1, clock.now() + 300 * DAY]) {
    const ages = await DoubtedAges.open({ clock, note, lastUsed });
    assert.deepEqual([ages.left(), noted], [0, undefined]);
  }
});

test("a restart within the day continues the doubt without prolonging it", async () => {
  await start(clock.now() - 40 * DAY);
  for (const left of [23, 22]) {
    clock.advance(HOUR);
    assert.equal((await start()).left(), left * HOUR);
    assert.deepEqual(told.at(-1), ["clock.doubted", left * HOUR]);
  }
  clock.advance(22 * HOUR);
  told = [];
  assert.deepEqual([(await start()).left(), told], [0, []]);
});

test("after a leap of the clock, the doubt lasts a day from when the leap is seen, also over a restart", async () => {
  const ages = await start();
  await seen(DAY - 1);
  await seen(-DAY);
  assert.deepEqual([ages.left(), noted], [0, undefined]);
  await seen(DAY);
  assert.equal(ages.left(), DAY);
  clock.advance(HOUR);
  assert.equal((await start()).left(), 23 * HOUR);
});

test("if the clock is corrected, the doubt still ends within a day", async () => {
  await start();
  await seen(40 * DAY);
  clock.advance(HOUR);
  await seen(-40 * DAY);
  assert.equal((await start()).left(), 23 * HOUR);
  await seen(40 * DAY);
  clock.set(-40 * DAY);
  for (const left of [24, 23]) {
    assert.equal((await start()).left(), left * HOUR, "it was set while nobody looked");
    clock.advance(HOUR);
  }
});

test("a doubt that cannot be recorded is logged, and lasts as long as the daemon runs", async () => {
  full = true;
  const ages = await start(clock.now() - 2 * DAY);
  assert.equal(ages.left(), DAY);
  assert.match(String(told[1]?.[0]), /^a new start .* would not know/);
  await seen(DAY);
  assert.equal(told.length, 3);
});
