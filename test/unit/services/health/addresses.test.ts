import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { DestinationTrouble, type Target } from "../../../../src/ports/smtp-client.ts";
import { Addresses } from "../../../../src/services/health/addresses.ts";
import { targetAt } from "../../../support/primary-conversation.ts";

const [SIX, FOUR, OTHER] = ["2001:db8::1", "192.0.2.1", "192.0.2.2"].map((ip) => targetAt(25, { ip })) as [
  Target,
  Target,
  Target,
];
const ALL = [SIX, FOUR, OTHER];
const DEAD = new DestinationTrouble("connect", "connection refused");
const BROKEN = new DestinationTrouble("greeting", "connection closed");
const REFUSES = new DestinationTrouble("greeting", "554 no", { code: 554, text: "no" });

let addresses: Addresses;
const idle = (): boolean => false;

beforeEach(() => {
  addresses = new Addresses();
});

describe("the order", () => {
  test("is that of the resolver, but the address that greeted last comes first and a silent one last", () => {
    assert.deepEqual(addresses.inTurn(ALL, 0, idle), ALL);
    addresses.greeted(FOUR);
    assert.deepEqual(addresses.inTurn(ALL, 0, idle), [FOUR, SIX, OTHER]);
    assert.deepEqual(
      addresses.inTurn(ALL, 0, ({ ip }) => ip === FOUR.ip),
      [SIX, OTHER, FOUR],
    );
  });

  test("omits an address that refused us for a minute while a better one is known", () => {
    addresses.failed(SIX, REFUSES, 0);
    assert.deepEqual(addresses.inTurn([SIX, FOUR], 1, idle), [SIX, FOUR], "none is known to be better");
    addresses.greeted(FOUR);
    assert.deepEqual(addresses.inTurn([SIX, FOUR], 1, idle), [FOUR, SIX], "that was before one greeted");
    addresses.failed(FOUR, REFUSES, 1);
    addresses.failed(OTHER, BROKEN, 1);
    addresses.failed(SIX, REFUSES, 1);
    assert.deepEqual(addresses.inTurn(ALL, 60_000, idle), [FOUR, OTHER]);
    assert.deepEqual(addresses.inTurn(ALL, 60_001, idle), [FOUR, SIX, OTHER]);
    assert.deepEqual(addresses.inTurn([SIX], 2, idle), [SIX], "the better one has left the DNS");
  });
});

describe("of several troubles", () => {
  const cases: readonly [string, [Target, DestinationTrouble][], DestinationTrouble][] = [
    [
      "a refusal stands above a family without a route",
      [
        [FOUR, REFUSES],
        [SIX, DEAD],
      ],
      REFUSES,
    ],
    [
      "what breaks stands above a refusal",
      [
        [SIX, REFUSES],
        [FOUR, BROKEN],
      ],
      BROKEN,
    ],
    [
      "the good one's counts: it can return at any time",
      [
        [OTHER, DEAD],
        [SIX, REFUSES],
      ],
      DEAD,
    ],
    [
      "the good one's counts: it refuses us now",
      [
        [SIX, BROKEN],
        [OTHER, REFUSES],
      ],
      REFUSES,
    ],
  ];
  for (const [name, troubles, expected] of cases)
    test(name, () => {
      addresses.greeted(OTHER);
      assert.equal(addresses.decisive(new Map(troubles)), expected);
    });

  test("none is decisive if there is none", () => assert.equal(addresses.decisive(new Map()), undefined));
});
