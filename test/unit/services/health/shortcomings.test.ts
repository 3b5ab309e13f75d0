import assert from "node:assert/strict";
import { test } from "node:test";
import { Shortcomings } from "../../../../src/services/health/shortcomings.ts";
import type { Destination } from "../../../../src/services/health/health.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";

const CLEAR = { name: "primary.test", extensions: [] };

function watched(encrypted?: boolean, identity?: Destination["identity"]) {
  const journal = new MemoryJournal();
  const address = { host: "192.0.2.1", port: 25, tls: "opportunistic" } as const;
  const destination = { ...address, ...(identity !== undefined && { identity }) };
  const memory = { encrypted };
  const shortcomings = new Shortcomings(destination, {
    journal,
    domains: () => ["a.test"],
    wasEncrypted: () => memory.encrypted,
  });
  return { journal, memory, shortcomings, why: () => shortcomings.slow?.why };
}

test("a slow greeting or mail is reported once, and shown until the primary is quick again", () => {
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

test("slow is a greeting of 10 s or an ordinary mail of 30 s; quick is less than 3 s or 10 s", () => {
  const { shortcomings, why } = watched();
  const steps: readonly (readonly [tell: () => void, slow: boolean])[] = [
    [() => shortcomings.greeted(9999, 1), false],
    [() => shortcomings.greeted(10_000, 1), true],
    [() => shortcomings.greeted(3000, 2), true],
    [() => shortcomings.greeted(2999, 3), false],
    [() => shortcomings.answered(29_999, 1, 4), false],
    [() => shortcomings.answered(30_000, 1_000_001, 4), false],
    [() => shortcomings.answered(30_000, 1_000_000, 4), true],
    [() => shortcomings.answered(10_000, 1, 5), true],
    [() => shortcomings.answered(9999, 1_000_001, 5), true],
    [() => shortcomings.answered(9999, 1_000_000, 5), false],
    [() => shortcomings.silent(60_000, 6), true],
  ];
  for (const [i, [tell, slow]] of steps.entries()) {
    tell();
    assert.equal(why() !== undefined, slow, `step ${i}`);
  }
  assert.equal(why(), "it accepts connections but did not greet within 60 s");
});

test("a primary is remembered as encrypted at its first conversation over TLS", () => {
  const { journal, shortcomings } = watched();
  assert.equal(shortcomings.look(CLEAR), false);
  assert.equal(shortcomings.look({ ...CLEAR, tls: "TLSv1.3" }), true);
  assert.equal(shortcomings.look({ ...CLEAR, tls: "TLSv1.3" }), false);
  assert.deepEqual(journal.events, []);
  assert.equal(shortcomings.look(CLEAR), true, "it spoke TLS to this process");
  assert.equal(journal.of("primary.weakened").length, 1);
});

test("a primary that still offers TLS, but with which no TLS session opens, is not reported as offering none", () => {
  const { journal, shortcomings } = watched(true);
  shortcomings.look({ ...CLEAR, extensions: ["STARTTLS"] });
  assert.deepEqual(
    journal.of("primary.weakened").map(({ why }) => why),
    ["it offers TLS, but a TLS session can no longer be opened; mail is sent unencrypted"],
  );
});

test("the TLS history counts even if it is read after the first conversation", () => {
  const { journal, memory, shortcomings } = watched();
  assert.equal(shortcomings.look(CLEAR), false);
  memory.encrypted = true;
  assert.equal(shortcomings.look(CLEAR), true);
  assert.equal(journal.of("primary.weakened").length, 1);
});

test("a primary that stops offering the configured XCLIENT is reported once", () => {
  const { journal, shortcomings } = watched(false, "xclient");
  const offering = { ...CLEAR, attributes: { XCLIENT: ["ADDR"] } };
  for (const capabilities of [offering, CLEAR, CLEAR, { ...CLEAR, attributes: { XFORWARD: [] } }])
    shortcomings.look(capabilities);
  assert.deepEqual(
    journal.events.map((event) => [event.kind, "why" in event && event.why]),
    [["primary.weakened", "it does not offer us XCLIENT; it learns about clients from header fields only"]],
  );
  shortcomings.look(offering);
  shortcomings.look(CLEAR);
  assert.equal(journal.events.length, 2);
  const plain = watched(false, "headers");
  plain.shortcomings.look(CLEAR);
  assert.deepEqual(plain.journal.events, []);
});

test("a primary that no longer offers TLS is reported, also if only an earlier process saw TLS", () => {
  const { journal, shortcomings } = watched(true);
  assert.equal(shortcomings.look(CLEAR), true, "to be remembered");
  assert.equal(shortcomings.look(CLEAR), false);
  assert.match(journal.of("primary.weakened")[0]?.why ?? "", /offered TLS before/);
  assert.equal(journal.of("primary.weakened").length, 1);
  assert.equal(shortcomings.look({ ...CLEAR, tls: "TLSv1.3" }), true);
});
