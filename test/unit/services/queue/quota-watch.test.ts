import assert from "node:assert/strict";
import { test } from "node:test";
import type { DomainRecord, Quota } from "../../../../src/ports/directory.ts";
import type { Kept } from "../../../../src/ports/operator.ts";
import { QuotaWatch } from "../../../../src/services/queue/queue.ts";
import { domainSettings } from "../../../support/domain-settings.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";

function domain(name: string, quota?: Quota): DomainRecord {
  const settings = { ...domainSettings(), ...(quota !== undefined && { quota }) };
  return { name, origin: "file", settings, paused: false, draining: false };
}

/** `kept` answers for the names that it is given. */
function watchOver(
  domains: readonly DomainRecord[],
  kept: (names: readonly string[]) => readonly Kept[],
  { journal = new MemoryJournal(), clock = new ManualClock() } = {},
): QuotaWatch {
  const queue = { kept: async (names: readonly string[]) => kept(names) };
  return new QuotaWatch({ queue, domains: async () => domains, generation: () => 1, journal, clock });
}

test("a domain is full at its quota and accepts mail again below 95 % of it; both are journalled once", async () => {
  const journal = new MemoryJournal();
  let kept: Kept = { messages: 99, bytes: 0 };
  const asked: (readonly string[])[] = [];
  const domains = [domain("a.test", { messages: 100 }), domain("free.test")];
  const watch = watchOver(domains, (names) => (asked.push(names), names.map(() => kept)), { journal });
  assert.deepEqual(await watch.look(), []);
  kept = { messages: 100, bytes: 0 };
  assert.deepEqual(await watch.look(), ["a.test"]);
  kept = { messages: 96, bytes: 0 };
  assert.deepEqual(await watch.look(), ["a.test"]);
  kept = { messages: 94, bytes: 0 };
  assert.deepEqual(await watch.look(), []);
  assert.deepEqual(journal.events, [
    { kind: "quota.reached", domain: "a.test", messages: 100, bytes: 0 },
    { kind: "quota.left", domain: "a.test", messages: 94, bytes: 0 },
  ]);
  assert.ok(!asked.flat().includes("free.test"), "a domain without a quota is not counted");
});

test("the counts of thousands of domains are read in one query, and in none if no domain has a quota", async () => {
  const asked: number[] = [];
  const kept = (names: readonly string[]) => {
    asked.push(names.length);
    return names.map((name) => ({ messages: name === "d4999.test" ? 9 : 0, bytes: 0 }));
  };
  const domains = Array.from({ length: 5000 }, (_, i) => domain(`d${i}.test`, { messages: 9 }));
  assert.deepEqual(await watchOver(domains, kept).look(), ["d4999.test"]);
  assert.deepEqual(await watchOver([domain("free.test")], kept).look(), []);
  assert.deepEqual(asked, [5000]);
});

test("mails and size are separate limits, and reaching either is enough", async () => {
  const look = (quota: Quota) =>
    watchOver([domain("a.test", quota)], () => [{ messages: 2, bytes: 5000 }]).look();
  assert.deepEqual(await look({ messages: 3, bytes: 5000 }), ["a.test"]);
  assert.deepEqual(await look({ messages: 2, bytes: 5001 }), ["a.test"]);
  assert.deepEqual(await look({ messages: 3, bytes: 5001 }), []);
});

test("a slow look is followed by a pause thirty times as long, at most a minute", async () => {
  const clock = new ManualClock();
  let [looks, takes] = [0, 1];
  const kept = () => {
    looks += 1;
    clock.advance(takes);
    return [{ messages: 1, bytes: 0 }];
  };
  const watch = watchOver([domain("a.test", { messages: 1 })], kept, { clock });
  const lookEach2s = async (times: number): Promise<number> => {
    const before = looks;
    for (let n = 0; n < times; n++) {
      assert.deepEqual(await watch.look(), ["a.test"]);
      clock.advance(2000);
    }
    return looks - before;
  };
  assert.equal(await lookEach2s(10), 10);
  takes = 400;
  assert.equal(await lookEach2s(30), 5);
  takes = 100_000;
  assert.equal(await lookEach2s(60), 2);
});

test("the directory is read again after a change, even one that came while it was being read", async () => {
  let [generation, reads] = [1, 0];
  let quota: Quota = { messages: 3 };
  const domains = async () => {
    reads += 1;
    const read = [domain("a.test", quota)];
    if (reads === 1) [generation, quota] = [2, { messages: 2 }];
    return read;
  };
  const queue = { kept: async () => [{ messages: 2, bytes: 0 }] };
  const clock = new ManualClock();
  const parts = { queue, domains, generation: () => generation, journal: new MemoryJournal(), clock };
  const watch = new QuotaWatch(parts);
  assert.deepEqual([await watch.look(), reads], [[], 1]);
  for (let n = 0; n < 5; n++) assert.deepEqual([await watch.look(), reads], [["a.test"], 2]);
  [generation, quota] = [3, { messages: 9 }];
  assert.deepEqual([await watch.look(), reads], [[], 3]);
});
