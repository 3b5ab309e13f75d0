import assert from "node:assert/strict";
import { test } from "node:test";
import type { JournalEvent } from "../../../../src/ports/journal.ts";
import { OwnListing } from "../../../../src/services/policy/policy.ts";

test("our public addresses are looked up, and a new listing is told once", async () => {
  const events: JournalEvent[] = [];
  const asked: string[] = [];
  let listed = true;
  let nameless = false;
  const own = new OwnListing({
    hostname: "mx.us",
    resolver: {
      addresses: () =>
        Promise.resolve(
          nameless
            ? { kind: "failed", why: "ETIMEOUT" }
            : { kind: "found", records: ["10.1.2.3", "203.0.113.5", "fe80::1", "2001:db8::5"] },
        ),
    },
    blocklists: {
      listsHost: (zone, ip) => {
        asked.push(`${zone} ${ip}`);
        return Promise.resolve(listed && ip === "203.0.113.5");
      },
    },
    journal: { record: (event) => void events.push(event) },
  });
  await own.look([]);
  assert.deepEqual(asked, []);
  await own.look(["bl.test"]);
  assert.deepEqual(asked, ["bl.test 203.0.113.5", "bl.test 2001:db8::5"]);
  assert.deepEqual(events, [{ kind: "blocklist.listsUs", zone: "bl.test", ip: "203.0.113.5" }]);
  await own.look(["bl.test"]);
  assert.equal(events.length, 1);
  // Neither the list nor our own name can be asked for a while.
  await own.look([]);
  await own.look(["bl.test"]);
  nameless = true;
  await own.look(["bl.test"]);
  nameless = false;
  await own.look(["bl.test"]);
  assert.equal(events.length, 1);
  listed = false;
  await own.look(["bl.test"]);
  listed = true;
  await own.look(["bl.test"]);
  assert.equal(events.length, 2);
});
