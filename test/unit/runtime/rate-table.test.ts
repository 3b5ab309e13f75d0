import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { rateMemory, RateTable, type Rated } from "../../../src/runtime/rate-table.ts";
import { seededHash } from "../../../src/runtime/seeded-hash.ts";

function asker(table: RateTable) {
  return (network: string, what: Rated, cap: number, more: { amount?: number; period?: number } = {}) =>
    table.take({ network, what, cap, amount: more.amount ?? 1, period: more.period ?? 7 });
}

test("a network is counted up to its cap, each kind separately, and again from zero in the next period", () => {
  const take = asker(new RateTable(rateMemory(), 0));
  assert.ok(take("a", "mails", 2) && take("a", "mails", 2));
  assert.ok(!take("a", "mails", 2));
  assert.ok(take("a", "mails", 3));
  assert.ok(take("a", "recipients", 1));
  assert.ok(take("b", "mails", 1));
  assert.ok(take("a", "mails", 1, { period: 8 }));
  assert.ok(!take("a", "kibibytes", 100, { amount: 101 }));
  assert.ok(take("a", "kibibytes", 100, { amount: 100 }));
  assert.ok(take("a", "kibibytes", 100, { amount: 0 }));
  assert.ok(!take("a", "kibibytes", 99, { amount: 0 }));
});

test("several counts are taken together or not at all", () => {
  const table = new RateTable(rateMemory(), 0);
  const one = (network: string, cap: number) =>
    ({ network, what: "mails", amount: 1, cap, period: 7 }) as const;
  const count = (network: string): number => table.count({ network, what: "mails", period: 7 });
  assert.ok(table.take(one("net", 3), one("a", 2)));
  assert.ok(table.take(one("net", 3), one("a", 2)));
  assert.ok(!table.take(one("net", 3), one("a", 2)));
  assert.deepEqual([count("net"), count("a")], [2, 2]);
  assert.ok(table.take(one("net", 3), one("b", 2)));
  assert.ok(!table.take(one("net", 3), one("c", 2)));
  assert.deepEqual([count("net"), count("b"), count("c")], [3, 1, 0]);
});

test("reading a count takes no row and does not count", () => {
  const table = new RateTable(rateMemory(), 0);
  const take = asker(table);
  const count = (network: string): number => table.count({ network, what: "mails", period: 7 });
  take("a", "mails", 9, { amount: 5 });
  for (let n = 0; n < 100_000; n++) assert.equal(count(`other ${n}`), 0);
  assert.deepEqual([count("a"), table.count({ network: "a", what: "mails", period: 8 })], [5, 0]);
});

test("a high count survives a flood of other networks", () => {
  const take = asker(new RateTable(rateMemory(), 0));
  take("spammer", "mails", 1000, { amount: 1000 });
  for (let n = 0; n < 100_000; n++) take(`other ${n}`, "mails", 1000);
  assert.ok(!take("spammer", "mails", 1000));
});

const WORKER = `
  import { workerData, parentPort } from "node:worker_threads";
  const { RateTable } = await import(workerData.module);
  const table = new RateTable(workerData.memory, workerData.thread);
  let taken = 0;
  const one = (network, cap) => ({ network, what: "mails", amount: 1, cap, period: 1 });
  for (let i = 0; i < 2000; i++) if (table.take(one("a", 3000), one("host " + (i % 5), 700))) taken += 1;
  parentPort.postMessage(taken);
`;

for (const threads of [1, 2, 4])
  test(`${threads} threads together take exactly as many as the caps allow`, async () => {
    const memory = rateMemory();
    const module = new URL("../../../src/runtime/rate-table.ts", import.meta.url).href;
    const url = new URL(`data:text/javascript,${encodeURIComponent(WORKER)}`);
    const taken = await Promise.all(
      Array.from({ length: threads }, (_, n) => n).map(
        (thread) =>
          new Promise<number>((resolve, reject) => {
            const worker = new Worker(url, { workerData: { module, memory, thread } });
            worker.once("message", resolve);
            worker.once("error", reject);
          }),
      ),
    );
    assert.equal(
      taken.reduce((sum, count) => sum + count, 0),
      Math.min(3000, 2000 * threads),
    );
    const table = new RateTable(memory, 0);
    const hosts = Array.from({ length: 5 }, (_, n) =>
      table.count({ network: `host ${n}`, what: "mails", period: 1 }),
    );
    assert.ok(hosts.every((count) => count <= 700));
    assert.equal(
      hosts.reduce((sum, count) => sum + count, 0),
      Math.min(3000, 2000 * threads),
    );
  });

test("the lock of a dead thread is released", () => {
  const memory = rateMemory();
  new Int32Array(memory)[0] = 2;
  new RateTable(memory, 1).freeLock();
  assert.ok(asker(new RateTable(memory, 0))("a", "mails", 1));
});

test("two counts taken together do not evict each other from a full bucket", () => {
  const memory = rateMemory();
  const seed = new Int32Array(memory)[1] ?? 0;
  const placeOf = (name: string): number => ((seededHash(name, seed) ^ seededHash(name, ~seed)) >>> 0) % 2048;
  const names: string[] = [];
  for (let n = 0; names.length < 10; n++) if (placeOf(`n${n}`) === 7) names.push(`n${n}`);
  const [network = "", address = "", ...others] = names;
  const table = new RateTable(memory, 0);
  const mails = { what: "mails", period: 1 } as const;
  for (const other of others) table.take({ ...mails, network: other, amount: 9, cap: 9 });
  const both = (): boolean =>
    table.take({ ...mails, network, amount: 1, cap: 2 }, { ...mails, network: address, amount: 1, cap: 2 });
  assert.deepEqual([both(), both(), both()], [true, true, false]);
  assert.equal(table.count({ ...mails, network }), 2);
  assert.equal(table.count({ ...mails, network: address }), 2);
});
