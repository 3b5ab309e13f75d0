import assert from "node:assert/strict";
import { test } from "node:test";
import { Shortcomings } from "../../../../src/services/health/shortcomings.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";

const CLEAR = { name: "primary.test", extensions: [] };

function watched(encrypted?: boolean) {
  const journal = new MemoryJournal();
  const destination = { host: "192.0.2.1", port: 25, tls: "opportunistic" } as const;
  const shortcomings = new Shortcomings(destination, {
    journal,
    domains: () => ["a.test"],
    wasEncrypted: () => encrypted,
  });
  return { journal, shortcomings, why: () => shortcomings.slow?.why };
}

test("a slow greeting and a slow mail are told once, and shown until the primary is quick again", () => {
  const { journal, shortcomings, why } = watched();
  shortcomings.greeted(9000, 1);
  assert.equal(why(), undefined);
  shortcomings.greeted(35_000, 2);
  shortcomings.greeted(36_000, 3);
  assert.deepEqual(shortcomings.slow, { since: 2, why: "its greeting took 36 s" });
  assert.deepEqual(
    journal.of("primary.slow").map((event) => event.why),
    ["its greeting took 35 s"],
  );
  shortcomings.answered(100, 1000, 4);
  assert.notEqual(why(), undefined, "one quick mail does not prove the greeting");
  shortcomings.greeted(200, 5);
  assert.equal(why(), undefined);
  shortcomings.answered(31_000, 1000, 6);
  assert.equal(why(), "a mail of 1000 octets took 31 s");
  assert.equal(journal.of("primary.slow").length, 2);
  shortcomings.answered(31_000, 40_000_000, 7);
  shortcomings.answered(500, 1000, 8);
  assert.equal(why(), undefined);
});

test("TLS that vanished is told, also when it was spoken to an earlier process", () => {
  const { journal, shortcomings } = watched(true);
  assert.equal(shortcomings.look(CLEAR), true, "to be remembered");
  assert.equal(shortcomings.look(CLEAR), false);
  assert.match(journal.of("primary.weakened")[0]?.why ?? "", /spoke TLS before/);
  assert.equal(journal.of("primary.weakened").length, 1);
  assert.equal(shortcomings.look({ ...CLEAR, tls: "TLSv1.3" }), true);
});
