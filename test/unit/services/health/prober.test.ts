import assert from "node:assert/strict";
import { test } from "node:test";
import { DestinationTrouble, type Conversation, type Target } from "../../../../src/ports/smtp-client.ts";
import { Prober } from "../../../../src/services/health/prober.ts";
import { FakeResolver } from "../../../support/delivery-bench.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const TARGET: Target = { host: "192.0.2.1", ip: "192.0.2.1", port: 25, tls: "none" };

interface Wait {
  readonly patience: number | undefined;
  readonly fail: (error: Error) => void;
  closed: boolean;
}

/** A primary where nobody listens any more; on connections of before it does not greet until the test says how that ends. */
function mutePrimary() {
  const clock = new ManualClock();
  const waits: Wait[] = [];
  const silences: number[] = [];
  const refused = new DestinationTrouble("connect", "connection refused");
  const parts = {
    clock,
    resolver: new FakeResolver(),
    ownAddresses: () => [],
    client: { connect: () => Promise.reject(refused), converse: () => assert.fail("by connections only") },
  };
  const prober = new Prober(TARGET, parts, (took) => silences.push(took));
  const greet = (): Promise<unknown> => {
    const { promise, reject: fail } = Promise.withResolvers<Conversation>();
    let wait: Wait | undefined;
    const converse = (patience?: number): Promise<Conversation> => {
      wait = { patience, fail, closed: false };
      waits.push(wait);
      return promise;
    };
    const close = (): void => {
      if (wait === undefined) return;
      wait.closed = true;
      fail(new DestinationTrouble("greeting", "connection closed"));
    };
    return prober.greet({ target: TARGET, took: 1, converse, close });
  };
  return { clock, waits, silences, prober, greet, refused };
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

test("who came back is greeted at once, although connections of before hang, which give way one by one", async () => {
  const { clock, waits, silences, prober, greet, refused } = mutePrimary();
  const closed = (): boolean[] => waits.map((wait) => wait.closed);
  const hanging = [0, 1, 2].map(() => {
    clock.advance(5000);
    return greet();
  });
  await assert.rejects(prober.knock(), refused);
  assert.deepEqual(closed(), [false, false, false], "their banner may come yet");
  void greet();
  assert.deepEqual(closed(), [true, false, false, false]);
  assert.equal(await hanging[0], undefined);
  clock.advance(60_000);
  prober.greeted();
  assert.deepEqual(closed(), [true, true, true, true]);
  assert.deepEqual(await Promise.all(hanging), [undefined, undefined, undefined]);
  assert.deepEqual(silences, []);
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
