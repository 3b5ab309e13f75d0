import assert from "node:assert/strict";
import { test } from "node:test";
import type { DomainRecord, Quota } from "../../../../src/ports/directory.ts";
import type { Kept } from "../../../../src/ports/operator.ts";
import { QuotaWatch } from "../../../../src/services/queue/queue.ts";
import { domainSettings } from "../../../support/domain-settings.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";

function domain(name: string, quota?: Quota): DomainRecord {
  const settings = { ...domainSettings(), ...(quota !== undefined && { quota }) };
  return { name, origin: "file", settings, paused: false, draining: false };
}

test("a domain is full at its quota, takes mail again below 95 % of it, and both are told once", async () => {
  const journal = new MemoryJournal();
  let kept: Kept = { messages: 99, bytes: 0 };
  const asked: (readonly string[])[] = [];
  const queue = {
    kept: async (names: readonly string[]) => (asked.push(names), names.map(() => kept)),
  };
  const watch = new QuotaWatch(queue, journal);
  const domains = [domain("a.test", { messages: 100 }), domain("free.test")];
  assert.deepEqual(await watch.look(domains), []);
  kept = { messages: 100, bytes: 0 };
  assert.deepEqual(await watch.look(domains), ["a.test"]);
  kept = { messages: 96, bytes: 0 };
  assert.deepEqual(await watch.look(domains), ["a.test"]);
  kept = { messages: 94, bytes: 0 };
  assert.deepEqual(await watch.look(domains), []);
  assert.deepEqual(
    journal.events.map(({ kind }) => kind),
    ["quota.reached", "quota.left"],
  );
  assert.ok(!asked.flat().includes("free.test"), "a domain without a quota is not counted");
});

test("thousands of domains are one question, and none where no domain has a quota", async () => {
  const asked: number[] = [];
  const kept = async (names: readonly string[]) => {
    asked.push(names.length);
    return names.map((name) => ({ messages: name === "d4999.test" ? 9 : 0, bytes: 0 }));
  };
  const watch = new QuotaWatch({ kept }, new MemoryJournal());
  const domains = Array.from({ length: 5000 }, (_, i) => domain(`d${i}.test`, { messages: 9 }));
  assert.deepEqual(await watch.look(domains), ["d4999.test"]);
  assert.deepEqual(await watch.look([domain("free.test")]), []);
  assert.deepEqual(asked, [5000]);
});

test("mails and size are two limits, and either is enough", async () => {
  const queue = { kept: async () => [{ messages: 2, bytes: 5000 }] };
  const look = (quota: Quota) => new QuotaWatch(queue, new MemoryJournal()).look([domain("a.test", quota)]);
  assert.deepEqual(await look({ messages: 3, bytes: 5000 }), ["a.test"]);
  assert.deepEqual(await look({ messages: 2, bytes: 5001 }), ["a.test"]);
  assert.deepEqual(await look({ messages: 3, bytes: 5001 }), []);
});
