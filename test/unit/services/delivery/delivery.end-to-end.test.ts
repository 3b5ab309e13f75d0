import assert from "node:assert/strict";
import { test } from "node:test";
import { smtpClient } from "../../../../src/adapters/smtp-client/smtp-client.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { startDelivery } from "../../../../src/services/delivery/delivery.ts";
import { FakeResolver, NO_DSNS, SETTINGS } from "../../../support/delivery-bench.ts";
import { FakeDirectory, primaryAt } from "../../../support/fake-directory.ts";
import { fakePrimary, type FakePrimary } from "../../../support/fake-primary.ts";
import { FakeWorkStore } from "../../../support/fake-work-store.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";
import { FakeNotes } from "../../../support/recipient-notes.ts";
import { SILENT } from "../../../support/silent-log.ts";
import { waitFor } from "../../../support/wait.ts";

/** Delivery of 300 mails to a primary on this machine. */
function deliverTo(primary: FakePrimary) {
  const clock = systemClock();
  const store = new FakeWorkStore(clock);
  const directory = new FakeDirectory();
  const journal = new MemoryJournal();
  directory.set("a.test", [primaryAt("127.0.0.1", primary.port)]);
  for (let i = 0; i < 300; i++) store.put({ domain: "a.test", body: `X-Number: ${i}\r\n\r\n.\r\n` });
  const delivery = startDelivery({
    store,
    directory,
    client: smtpClient({ hostname: "mx2.test", clock }),
    resolver: new FakeResolver(),
    journal,
    log: SILENT,
    clock,
    random: Math.random,
    settings: SETTINGS,
    notes: new FakeNotes(),
    dsn: NO_DSNS,
    domains: async () => [],
  });
  return { store, journal, delivery };
}

test("over real sockets: a primary that was away gets its mail within 2 s of its return, and each mail once", async () => {
  await using primary = await fakePrimary({});
  await primary.close();
  const { store, journal, delivery } = deliverTo(primary);
  await waitFor({ what: "down is seen", deadline: 20_000 }, () => journal.of("primary.down").length === 1);
  await primary.open();
  await primary.received(1);
  await waitFor({ what: "all is settled", deadline: 20_000 }, () => store.count().gone === 300);
  const numbers = primary.mails.map(({ data }) => /X-Number: (\d+)/.exec(data.toString())?.[1]);
  assert.equal(new Set(numbers).size, 300);
  assert.equal(numbers.length, 300);
  assert.ok(primary.mostOpen <= 8);
  await delivery.stop();
  assert.equal(primary.commands.at(-1), "QUIT");
});

test("over real sockets: a primary that takes one connection of a client at a time gets its mail, too", async () => {
  await using primary = await fakePrimary({ maxConnections: 1 });
  const { store, journal, delivery } = deliverTo(primary);
  await waitFor({ what: "all is settled", deadline: 20_000 }, () => store.count().gone === 300);
  assert.deepEqual(journal.of("primary.down"), []);
  await delivery.stop();
});
