import assert from "node:assert/strict";
import { test } from "node:test";
import type { PrimaryStatus } from "../../../../src/ports/health.ts";
import { offersOf } from "../../../../src/services/health/offers.ts";

const DAY = 86_400_000;
const NOW = 100 * DAY;

interface Told {
  readonly extensions?: readonly string[];
  readonly size?: number;
  readonly learnedAt?: number;
  readonly state?: PrimaryStatus["state"];
}

function primary(domains: readonly string[], told?: Told): PrimaryStatus {
  const { extensions = [], size, learnedAt = NOW, state = "up" } = told ?? {};
  const capabilities = { name: "p", extensions, ...(size !== undefined && { size }) };
  const known = told === undefined ? {} : { capabilities, learnedAt };
  return { destination: "p:25", domains, state, since: 0, connections: 0, ...known };
}

test("a domain offers the most that one of its primaries accepts", () => {
  const utf8 = { extensions: ["SMTPUTF8"] };
  const cases: readonly (readonly [string, readonly PrimaryStatus[], unknown])[] = [
    ["one that takes everything", [primary(["a"], utf8)], []],
    ["one without SMTPUTF8", [primary(["a"], {})], [["a", { smtpUtf8: false }]]],
    ["a limit", [primary(["a"], { ...utf8, size: 65_536 })], [["a", { smtpUtf8: true, size: 65_536 }]]],
    ["SIZE 0 is none", [primary(["a"], { ...utf8, size: 0 })], []],
    ["less than every server must take is none", [primary(["a"], { ...utf8, size: 65_535 })], []],
    [
      "it has spoken long ago and is away",
      [primary(["a"], { learnedAt: NOW - 30 * DAY, state: "down" })],
      [["a", { smtpUtf8: false }]],
    ],
    ["too long ago", [primary(["a"], { learnedAt: NOW - 32 * DAY })], []],
    ["ourselves", [primary(["a"], { state: "loop" })], []],
    ["never spoken", [primary(["a"])], []],
    ["one has never spoken", [primary(["a"], {}), primary(["a"])], []],
    [
      "two",
      [primary(["a"], { size: 1e6 }), primary(["a"], { ...utf8, size: 1e5 })],
      [["a", { smtpUtf8: true, size: 1e6 }]],
    ],
    [
      "two, one without a limit",
      [primary(["a"], { size: 1e6 }), primary(["a"], {})],
      [["a", { smtpUtf8: false }]],
    ],
    ["two domains", [primary(["a", "b"], {}), primary(["b"], utf8)], [["a", { smtpUtf8: false }]]],
  ];
  for (const [name, statuses, wanted] of cases) assert.deepEqual(offersOf(statuses, NOW), wanted, name);
});
