import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../../../../src/mail/outcome.ts";
import type { DsnComposer, DsnRoute, DsnStore } from "../../../../src/ports/dsn.ts";
import { DSN_DOMAIN } from "../../../../src/ports/dsn.ts";
import type { DeliverySettings } from "../../../../src/services/delivery/delivery.ts";
import { deliveryBench, SETTINGS } from "../../../support/delivery-bench.ts";
import { allOf } from "../../../support/fake-smtp-client.ts";

const DEFERRED: Outcome = { kind: "deferred", reply: { code: 451, text: "later" } };
const DIRECT: DsnRoute = { kind: "direct" };

function hostAt(host: string): DsnRoute {
  return { kind: "host", host, port: 587, tls: "none" };
}

function settingsWith(route: DsnRoute): DeliverySettings {
  return { ...SETTINGS, notices: { route, perSender: 10, fullSize: 0, retention: 5 * 86_400_000 } };
}

/** Nobody is owed anything. */
const STORE = { owed: async () => [], delayed: async () => ({ more: false }) } as unknown as DsnStore;

const CHANGES: readonly (readonly [what: string, DsnRoute, DsnRoute, attempts: number])[] = [
  ["another host", hostAt("192.0.2.25"), hostAt("192.0.2.26"), 2],
  ["from a host to the recipient's own", hostAt("192.0.2.25"), DIRECT, 2],
  ["the same host, whose password may be another", hostAt("192.0.2.25"), hostAt("192.0.2.25"), 2],
  ["as before: servers of strangers are not asked again for our reload", DIRECT, DIRECT, 1],
];

for (const [what, before, after, attempts] of CHANGES)
  test(`a reload with a way for DSNs that is ${what}`, async () => {
    const bench = deliveryBench();
    Object.assign(bench, { dsn: { store: STORE, composer: {} as DsnComposer, nextId: () => "n1" } });
    bench.resolver.exchangers.set("friend.test", {
      kind: "found",
      records: [{ host: "192.0.2.1", preference: 10 }],
    });
    const servers = ["192.0.2.25:587", "192.0.2.26:587", "192.0.2.1:25"].map((name) =>
      bench.client.server(name),
    );
    let asked = 0;
    for (const server of servers)
      server.onMail = (mail) => {
        asked += 1;
        return allOf(mail, DEFERRED);
      };
    const delivery = await bench.start(settingsWith(before));
    bench.store.accept({ domain: DSN_DOMAIN, recipients: ["ann@friend.test"], sender: "" });
    await bench.pass(1000);
    assert.equal(asked, 1);
    delivery.apply(settingsWith(after));
    await bench.pass(1000);
    assert.equal(asked, attempts);
    await delivery.stop();
  });
