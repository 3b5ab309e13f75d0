import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckSettings, DnsList } from "../../src/ports/checks.ts";
import { fakeDns, type Zones } from "../support/fake-dns.ts";
import { startBench } from "../support/smtp-bench.ts";

const LISTS: readonly DnsList[] = [
  { zone: "one.test", codes: ["127.0.0.2", "127.0.0.4-7"], weight: 1 },
  { zone: "two.test", codes: ["127.*.*.*"], weight: 2 },
  { zone: "good.test", codes: ["127.0.*.*"], weight: -2 },
  { zone: "hard.test", codes: ["127.0.0.3"], weight: 0, action: "reject" },
];
const CHECKS: CheckSettings = { dnsbl: { lists: LISTS, tag: 1, defer: 2, reject: 3 } };

type Word = Zones[string];
const says = (...codes: string[]): Word => ({ A: codes });

/** What the lists say of one client, what that leads to, and what the trace tells. */
const CASES: readonly (readonly [words: Readonly<Record<string, Word>>, verdict: string, note: string])[] = [
  [{}, "accept", "not listed"],
  [{ one: says("127.0.0.2") }, "tag", "score 1: one.test=127.0.0.2"],
  [{ one: says("127.0.0.5") }, "tag", "score 1: one.test=127.0.0.5"],
  [{ one: says("127.0.0.3") }, "accept", "not listed"],
  [{ one: says("127.0.0.8") }, "accept", "not listed"],
  [{ one: says("127.0.0.3", "127.0.0.7") }, "tag", "score 1: one.test=127.0.0.7"],
  [{ two: says("127.9.9.9") }, "defer", "score 2: two.test=127.9.9.9"],
  [
    { one: says("127.0.0.2"), two: says("127.0.0.2") },
    "reject",
    "score 3: one.test=127.0.0.2, two.test=127.0.0.2",
  ],
  [
    { two: says("127.0.0.2"), good: says("127.0.5.1") },
    "accept",
    "score 0: two.test=127.0.0.2, good.test=127.0.5.1",
  ],
  [
    { hard: says("127.0.0.3"), good: says("127.0.5.1") },
    "reject",
    "score -2: good.test=127.0.5.1, hard.test=127.0.0.3",
  ],
  [
    { one: says("127.0.0.2"), two: says("127.0.0.2"), good: "SERVFAIL" },
    "defer",
    "score 3: one.test=127.0.0.2, two.test=127.0.0.2; no answer from good.test",
  ],
  // Lies and trouble are never a hit.
  [{ two: says("127.255.255.254") }, "accept", "not listed; no answer from two.test"],
  [{ two: says("192.0.2.1") }, "accept", "not listed; no answer from two.test"],
  [{ two: says("127.0.0.2", "192.0.2.1") }, "accept", "not listed; no answer from two.test"],
  [{ two: "SERVFAIL" }, "accept", "not listed; no answer from two.test"],
  [{ two: "REFUSED" }, "accept", "not listed; no answer from two.test"],
  [{ two: "silence", one: says("127.0.0.2") }, "tag", "score 1: one.test=127.0.0.2; no answer from two.test"],
  [{ two: { TXT: ["text alone"] } }, "accept", "not listed"],
];

test("each kind of answer from a blocklist has its effect: codes, weights, thresholds, actions, false answers and failures", async () => {
  const zones: Zones = {};
  for (const [n, [words]] of CASES.entries())
    for (const [list, word] of Object.entries(words)) zones[`${n + 1}.100.51.198.${list}.test`] = word;
  await using dns = await fakeDns(zones);
  await using bench = await startBench({ checkSettings: CHECKS, dnsServer: dns.server });
  const asked = CASES.map(async ([, verdict, note], n) => {
    const request = { helo: "c.example", sender: "a@b.example", recipient: "alice@our.test" };
    const found = await bench.endpoint.explain({ ...request, ip: `198.51.100.${n + 1}` });
    const said = found.checks.find(([check]) => check === "dnsbl")?.[2];
    assert.deepEqual([found.verdict, said], [verdict, note], `case ${n + 1}`);
  });
  await Promise.all(asked);
});
