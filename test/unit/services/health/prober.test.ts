import assert from "node:assert/strict";
import { test } from "node:test";
import { DestinationTrouble, type Conversation, type Target } from "../../../../src/ports/smtp-client.ts";
import { Prober } from "../../../../src/services/health/prober.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const TARGET: Target = { host: "mail.test", ip: "192.0.2.1", port: 25, tls: "none" };

/** A primary that takes connections and does not greet until the test says how that ends. */
function mutePrimary() {
  const clock = new ManualClock();
  const waits: { readonly patience: number | undefined; readonly fail: (error: Error) => void }[] = [];
  const silences: number[] = [];
  const parts = {
    clock,
    resolver: { addresses: () => assert.fail("no address is looked for") } as never,
    ownAddresses: () => [],
    client: {
      connect: () => assert.fail("nobody knocks"),
      converse: () => assert.fail("by connections only"),
    },
  };
  const prober = new Prober(TARGET, parts, (took) => silences.push(took));
  const greet = (): Promise<unknown> => {
    const converse = (patience?: number): Promise<Conversation> =>
      new Promise((_, fail) => waits.push({ patience, fail }));
    return prober.greet({ target: TARGET, took: 1, converse, close: () => {} });
  };
  return { clock, waits, silences, prober, greet };
}

test("a greeting that hangs is asked for anew after 5 s, and no more than three hang at a time", () => {
  const { clock, waits, greet } = mutePrimary();
  void greet();
  void greet();
  for (let asked = 1; asked <= 3; asked++) {
    assert.equal(waits.length, asked);
    clock.advance(5000);
    void greet();
  }
  assert.equal(waits.length, 3);
});

test("a refusal beside a greeting that is awaited says nothing of one that asks alone", async () => {
  const { clock, waits, greet } = mutePrimary();
  const first = greet();
  clock.advance(5000);
  const second = greet();
  const refusal = new DestinationTrouble("greeting", "421 too many", { code: 421, text: "too many" });
  waits[1]?.fail(refusal);
  assert.equal(await second, undefined);
  waits[0]?.fail(refusal);
  await assert.rejects(first, refusal);
});

test("who says nothing for as long as a probe waits has five times as long, until it has greeted", async () => {
  const { clock, waits, silences, prober, greet } = mutePrimary();
  const failAfter = async (milliseconds: number): Promise<number | undefined> => {
    const asked = greet();
    clock.advance(milliseconds);
    waits.at(-1)?.fail(new DestinationTrouble("greeting", "no greeting"));
    await assert.rejects(asked, DestinationTrouble);
    return waits.at(-1)?.patience;
  };
  assert.deepEqual([await failAfter(100), await failAfter(60_000)], [60_000, 60_000]);
  assert.deepEqual(silences, [60_000]);
  assert.equal(await failAfter(100), 300_000);
  prober.greeted();
  assert.equal(await failAfter(100), 60_000);
});
