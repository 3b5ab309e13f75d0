import assert from "node:assert/strict";
import { test } from "node:test";
import { KnownClients, knownClientsMemory } from "../../../src/runtime/known-clients.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 0, 1);

test("a remembered network is known on every thread, and only for its time", () => {
  const memory = knownClientsMemory();
  const [one, other] = [new KnownClients(memory, 7 * DAY), new KnownClients(memory, 7 * DAY)];
  assert.equal(one.knows("192.0.2.0/24", NOW), false);
  other.remember("192.0.2.0/24", NOW);
  assert.equal(one.knows("192.0.2.0/24", NOW), true);
  assert.equal(one.knows("192.0.3.0/24", NOW), false);
  assert.equal(one.knows("192.0.2.0/24", NOW + 7 * DAY), true);
  assert.equal(one.knows("192.0.2.0/24", NOW + 7 * DAY + 60_000), false);
});

test("a network that is seen again is known for longer", () => {
  const clients = new KnownClients(knownClientsMemory(), 7 * DAY);
  clients.remember("192.0.2.0/24", NOW);
  clients.remember("192.0.2.0/24", NOW + 5 * DAY);
  assert.equal(clients.knows("192.0.2.0/24", NOW + 10 * DAY), true);
});

test("in a full bucket the network unseen for longest is evicted, and memory does not grow", () => {
  const memory = knownClientsMemory(1);
  const clients = new KnownClients(memory, 7 * DAY);
  const networks = [1, 2, 3, 4, 5].map((n) => `192.0.${n}.0/24`);
  for (const [minute, network] of networks.entries()) clients.remember(network, NOW + minute * 60_000);
  assert.deepEqual(
    networks.map((network) => clients.knows(network, NOW)),
    [false, true, true, true, true],
  );
});

test("most of the known networks survive a hundred thousand unknown ones", () => {
  const clients = new KnownClients(knownClientsMemory(), 7 * DAY);
  for (let n = 0; n < 100_000; n++) clients.remember(`2001:db8:0:${n}::/64`, NOW + n);
  let known = 0;
  for (let n = 0; n < 100_000; n++) if (clients.knows(`2001:db8:0:${n}::/64`, NOW)) known += 1;
  assert.ok(known > 50_000 && known <= 65_536, String(known));
});
