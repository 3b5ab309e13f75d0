import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { rateMemory, RateTable, type Rated } from "../../../src/runtime/rates.ts";

function asker(table: RateTable) {
  return (network: string, what: Rated, cap: number, more: { amount?: number; period?: number } = {}) =>
    table.take({ network, what, cap, amount: more.amount ?? 1, period: more.period ?? 7 });
}

test("a network is counted up to its cap, each thing by itself, and anew in the next period", () => {
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

test("looking at a count takes no row and counts nothing", () => {
  const table = new RateTable(rateMemory(), 0);
  const take = asker(table);
  const count = (network: string): number => table.count({ network, what: "mails", period: 7 });
  take("a", "mails", 9, { amount: 5 });
  for (let n = 0; n < 100_000; n++) assert.equal(count(`other ${n}`), 0);
  assert.deepEqual([count("a"), table.count({ network: "a", what: "mails", period: 8 })], [5, 0]);
});

test("a high count outlives a flood of other networks", () => {
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
  for (let i = 0; i < 2000; i++)
    if (table.take({ network: "a", what: "mails", amount: 1, cap: 3000, period: 1 })) taken += 1;
  parentPort.postMessage(taken);
`;

test("four threads together take exactly what the cap allows", async () => {
  const memory = rateMemory();
  const module = new URL("../../../src/runtime/rates.ts", import.meta.url).href;
  const url = new URL(`data:text/javascript,${encodeURIComponent(WORKER)}`);
  const taken = await Promise.all(
    [0, 1, 2, 3].map(
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
    3000,
  );
});

test("the lock of a dead thread is freed", () => {
  const memory = rateMemory();
  new Int32Array(memory)[0] = 2;
  const table = new RateTable(memory, 0);
  table.forget(1);
  assert.ok(asker(table)("a", "mails", 1));
});
