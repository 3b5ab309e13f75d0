import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { connectionMemory, ConnectionTable, type Ticket } from "../../../src/runtime/connection-table.ts";

const CAPS = { connections: 1000, connectionsPerClient: 3 };

function admitted(table: ConnectionTable, network: string, caps = CAPS): Ticket {
  const admission = table.admit(network, caps);
  assert.ok(admission.kind === "admitted", `${network} was refused`);
  return admission.ticket;
}

describe("ConnectionTable", () => {
  test("caps one network and returns its places", () => {
    const table = new ConnectionTable(connectionMemory(1), 0);
    const tickets = [1, 2, 3].map(() => admitted(table, "192.0.2.0/24"));
    assert.deepEqual(table.admit("192.0.2.0/24", CAPS), { kind: "refused", why: "client" });
    admitted(table, "198.51.100.0/24");
    table.release(tickets[0] as Ticket);
    admitted(table, "192.0.2.0/24");
    assert.equal(table.total(), 4);
    assert.equal(table.networks(), 2);
  });

  test("caps one address besides its network, and returns both places", () => {
    const table = new ConnectionTable(connectionMemory(1), 0);
    const caps = { ...CAPS, connectionsPerAddress: 2 };
    const admit = (address: string) => table.admit("192.0.2.0/24", caps, address);
    const first = admit("192.0.2.1");
    assert.equal(admit("192.0.2.1").kind, "admitted");
    assert.deepEqual(admit("192.0.2.1"), { kind: "refused", why: "address" });
    assert.equal(admit("192.0.2.2").kind, "admitted");
    assert.deepEqual(admit("192.0.2.3"), { kind: "refused", why: "client" });
    assert.equal(table.networks(), 3);
    assert.ok(first.kind === "admitted");
    table.release(first.ticket);
    const again = admit("192.0.2.1");
    assert.ok(again.kind === "admitted");
    table.forget();
    assert.deepEqual([table.total(), table.networks()], [0, 0]);
  });

  test("caps all networks together", () => {
    const table = new ConnectionTable(connectionMemory(1), 0);
    const caps = { connections: 2, connectionsPerClient: 2 };
    admitted(table, "a", caps);
    admitted(table, "b", caps);
    assert.deepEqual(table.admit("c", caps), { kind: "refused", why: "total" });
  });

  test("rows are freed at zero, even in a crowded table", () => {
    const table = new ConnectionTable(connectionMemory(1, 64), 0);
    const held = new Map<string, Ticket[]>();
    for (let round = 0; round < 20_000; round++) {
      const network = `n${(round * 7919) % 97}`;
      const tickets = held.get(network) ?? [];
      held.set(network, tickets);
      const ticket = round % 3 === 0 ? undefined : tickets.pop();
      if (ticket !== undefined) table.release(ticket);
      else if (tickets.length < 3 && [...held.values()].filter((list) => list.length > 0).length < 60)
        tickets.push(admitted(table, network));
    }
    const networks = [...held.values()].filter((list) => list.length > 0).length;
    assert.equal(table.networks(), networks);
    for (const tickets of held.values()) for (const ticket of tickets) table.release(ticket);
    assert.equal(table.total(), 0);
    assert.equal(table.networks(), 0);
  });

  test("a full table counts all further networks in one overflow row", () => {
    const table = new ConnectionTable(connectionMemory(1, 2), 0);
    admitted(table, "a");
    admitted(table, "b");
    const tickets = ["c", "d", "e"].map((network) => admitted(table, network));
    assert.ok(tickets.every((ticket) => ticket.overflow));
    assert.equal(table.admit("f", CAPS).kind, "refused");
    for (const ticket of tickets) table.release(ticket);
    assert.equal(table.total(), 2);
    assert.equal(admitted(table, "f").overflow, true);
  });

  test("the places and the lock of a dead thread are released", () => {
    const memory = connectionMemory(2);
    const [first, second] = [new ConnectionTable(memory, 0), new ConnectionTable(memory, 1)];
    admitted(first, "a");
    const kept = admitted(second, "a");
    admitted(first, "b");
    new Int32Array(memory)[0] = 1;
    first.freeLock();
    first.forget();
    assert.equal(second.total(), 1);
    assert.equal(second.networks(), 1);
    second.release(kept);
    assert.equal(second.networks(), 0);
  });

  test("reading the number of open connections waits for no lock, not even one of a dead thread", () => {
    const memory = connectionMemory(2);
    const [first, second] = [new ConnectionTable(memory, 0), new ConnectionTable(memory, 1)];
    admitted(first, "a");
    admitted(second, "b");
    new Int32Array(memory)[0] = 2;
    assert.equal(first.total(), 2);
  });

  for (const threads of [1, 4]) {
    test(`is exact with ${threads} threads`, async () => {
      const memory = connectionMemory(threads, 256);
      const peaks = new Int32Array(new SharedArrayBuffer(8 * 4));
      const data = { memory, peaks, rounds: 20_000, cap: 7, total: 30 };
      await Promise.all(Array.from({ length: threads }, (_, thread) => hammer({ ...data, thread })));
      const table = new ConnectionTable(memory, 0);
      assert.equal(table.total(), 0);
      assert.equal(table.networks(), 0);
      assert.equal(Atomics.load(peaks, 6), 0, "a cap was exceeded");
      assert.ok(Atomics.load(peaks, 7) > 0, "no cap was ever reached");
    });
  }
});

/** A thread that admits and releases at random and checks the caps against counts of its own. */
function hammer(data: object): Promise<void> {
  const door = new URL("../../../src/runtime/connection-table.ts", import.meta.url).href;
  const code = `
    import { workerData } from "node:worker_threads";
    import { ConnectionTable } from ${JSON.stringify(door)};
    const { memory, peaks, rounds, cap, total, thread } = workerData;
    const table = new ConnectionTable(memory, thread);
    const held = [[], [], [], [], []];
    let state = thread * 7919 + 1;
    const random = (n) => ((state = (state * 1103515245 + 12345) & 0x7fffffff) >>> 8) % n;
    for (let round = 0; round < rounds; round++) {
      const n = random(5);
      if (random(2) === 0 && held[n].length > 0) {
        Atomics.sub(peaks, n, 1);
        Atomics.sub(peaks, 5, 1);
        table.release(held[n].pop());
        continue;
      }
      const admission = table.admit("net" + n, { connections: total, connectionsPerClient: cap });
      if (admission.kind === "refused") { Atomics.add(peaks, 7, 1); continue; }
      held[n].push(admission.ticket);
      if (Atomics.add(peaks, n, 1) + 1 > cap || Atomics.add(peaks, 5, 1) + 1 > total) Atomics.add(peaks, 6, 1);
    }
    for (const [n, tickets] of held.entries()) {
      for (const ticket of tickets) {
        Atomics.sub(peaks, n, 1);
        Atomics.sub(peaks, 5, 1);
        table.release(ticket);
      }
    }
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    workerData: data,
  });
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", (exit) => (exit === 0 ? resolve() : reject(new Error(`exit ${exit}`))));
  });
}
