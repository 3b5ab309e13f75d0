import assert from "node:assert/strict";
import { test } from "node:test";
import { DestinationTrouble, type Connection, type Target } from "../../../../src/ports/smtp-client.ts";
import { firstToGreet, targetsOf, type ReachParts } from "../../../../src/services/health/health.ts";
import { FakeResolver } from "../../../support/delivery-bench.ts";
import { FakeSmtpClient } from "../../../support/fake-smtp-client.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { idle, pass } from "../../../support/settle.ts";

const six = (...ns: number[]): string[] => ns.map((n) => `2001:db8::${n}`);
const four = (...ns: number[]): string[] => ns.map((n) => `192.0.2.${n}`);

async function targets(addresses: readonly string[]): Promise<readonly string[]> {
  const resolver = new FakeResolver();
  resolver.hosts.set("mail.test", { kind: "found", records: addresses });
  const ownAddresses = () => [{ address: "192.0.2.9", port: 25 }];
  const parts: ReachParts = {
    client: new FakeSmtpClient(),
    clock: new ManualClock(),
    resolver,
    ownAddresses,
  };
  const found = await targetsOf({ host: "mail.test", port: 25, tls: "none" }, parts);
  return found.map(({ ip }) => ip);
}

test("addresses of both families are tried alternately, beginning with the family of the first", async () => {
  assert.deepEqual(await targets([...six(1, 2, 3), ...four(1)]), [...six(1), ...four(1), ...six(2, 3)]);
  assert.deepEqual(await targets([...four(1), ...six(1), ...six(2)]), [...four(1), ...six(1, 2)]);
  assert.deepEqual(await targets(four(1, 2)), four(1, 2));
});

test("at most six addresses are tried, and none of our own", async () => {
  assert.deepEqual(await targets(four(9, 1, 2, 3, 4, 5, 6, 7, 8)), four(1, 2, 3, 4, 5, 6));
  await assert.rejects(targets(four(9)), { stage: "loop" });
});

test("no further address is greeted once one has taken more than ten seconds", async () => {
  for (const [milliseconds, greeted] of [
    [3000, 4],
    [11_000, 1],
  ] as const) {
    const clock = new ManualClock();
    const client = new FakeSmtpClient();
    const list = four(1, 2, 3, 4).map((ip) => ({ ip, host: "mail.test", port: 25, tls: "none" as const }));
    for (const { ip } of list) client.server(`${ip}:25`);
    const asked: string[] = [];
    const greet = async ({ target }: Connection): Promise<never> => {
      asked.push(target.ip);
      clock.advance(milliseconds);
      throw new DestinationTrouble("greeting", `${target.ip} is silent`);
    };
    const parts = { client, clock, resolver: new FakeResolver(), ownAddresses: () => [] };
    const last = { message: `${four(greeted)[0]} is silent` };
    await assert.rejects(firstToGreet(list, parts, { greet }), last);
    assert.deepEqual(asked, four(1, 2, 3, 4).slice(0, greeted));
  }
});

test("a connection that opens after another address has answered is closed", async () => {
  const clock = new ManualClock();
  const client = new FakeSmtpClient();
  const [slow, quick] = four(1, 2).map((ip) => ({ ip, host: "mail.test", port: 25, tls: "none" as const }));
  assert.ok(slow && quick);
  for (const { ip } of [slow, quick]) client.server(`${ip}:25`);
  const late = Promise.withResolvers<void>();
  const connect = async (target: Target): Promise<Connection> => {
    if (target === slow) await late.promise;
    return client.connect(target);
  };
  const parts = {
    client: { connect, converse: () => assert.fail("by connections only") },
    clock,
    resolver: new FakeResolver(),
    ownAddresses: () => [],
  };
  const reached = firstToGreet([slow, quick], parts, { greet: async (connection) => connection });
  await pass(clock, 300);
  const connection = await reached;
  assert.equal(connection.target, quick);
  late.resolve();
  await idle();
  assert.equal(client.server(`${slow.ip}:25`).open, 0);
  assert.equal(client.server(`${quick.ip}:25`).open, 1);
});
