import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DestinationTrouble,
  type Connection,
  type Conversation,
  type Target,
} from "../../../../src/ports/smtp-client.ts";
import { GreetingRoom } from "../../../../src/services/health/greeting-room.ts";
import { Prober } from "../../../../src/services/health/prober.ts";
import { FakeResolver } from "../../../support/delivery-bench.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { idle } from "../../../support/settle.ts";

const TARGET: Target = { host: "192.0.2.1", ip: "192.0.2.1", port: 25, tls: "none" };

interface Wait {
  readonly patience: number | undefined;
  readonly fail: (error: Error) => void;
  closed: boolean;
}

/** A primary that takes connections and does not greet until the test says how that ends. */
function mutePrimary(clock = new ManualClock(), room = new GreetingRoom()) {
  const waits: Wait[] = [];
  const silences: number[] = [];
  const network = { down: false };
  const connect = async (): Promise<Connection> => {
    if (network.down) throw new DestinationTrouble("connect", "connection refused");
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
    return { target: TARGET, took: 1, converse, close };
  };
  const client = { connect, converse: () => assert.fail("by connections only") };
  const parts = { clock, client, resolver: new FakeResolver(), ownAddresses: () => [], room };
  const prober = new Prober(TARGET, parts, (took) => silences.push(took));
  const ask = async (): Promise<{ heard: Promise<unknown> }> => {
    const heard = prober.ask(() => true);
    heard.catch(() => {});
    await idle();
    return { heard };
  };
  return { clock, waits, silences, network, prober, ask };
}

test("another greeting is requested after 5 s of silence, and at most three are awaited", async () => {
  const { clock, waits, ask } = mutePrimary();
  await ask();
  await ask();
  for (let asked = 1; asked <= 3; asked++) {
    assert.equal(waits.length, asked);
    clock.advance(5000);
    await ask();
  }
  assert.equal(waits.length, 3);
});

test("a primary that returns is greeted at once, and its stale connections are given up one by one", async () => {
  const { clock, waits, silences, network, prober, ask } = mutePrimary();
  const closed = (): boolean[] => waits.map((wait) => wait.closed);
  const hanging: Promise<unknown>[] = [];
  for (let asked = 1; asked <= 3; asked++) {
    hanging.push((await ask()).heard);
    clock.advance(5000);
  }
  network.down = true;
  await assert.rejects((await ask()).heard, { stage: "connect" });
  assert.deepEqual(closed(), [false, false, false], "their banner may come yet");
  network.down = false;
  await ask();
  assert.deepEqual(closed(), [true, false, false, false]);
  assert.equal(await hanging[0], undefined);
  clock.advance(60_000);
  prober.greeted();
  assert.deepEqual(closed(), [true, true, true, true]);
  assert.deepEqual(await Promise.all(hanging), [undefined, undefined, undefined]);
  assert.deepEqual(silences, []);
});

test("a refusal while another greeting is awaited does not count", async () => {
  const { clock, waits, ask } = mutePrimary();
  const first = await ask();
  clock.advance(5000);
  const second = await ask();
  const refusal = new DestinationTrouble("greeting", "421 too many", { code: 421, text: "too many" });
  waits[1]?.fail(refusal);
  assert.equal(await second.heard, undefined);
  waits[0]?.fail(refusal);
  await assert.rejects(first.heard, refusal);
});

test("a connection that breaks while another greeting is awaited does not end that wait", async () => {
  const { clock, waits, ask } = mutePrimary();
  await ask();
  clock.advance(5000);
  const second = await ask();
  waits[1]?.fail(new DestinationTrouble("greeting", "connection reset"));
  await assert.rejects(second.heard, { message: "connection reset" });
  assert.equal(await (await ask()).heard, undefined);
  assert.equal(waits.length, 2);
});

test("a greeting that gave way to another primary does not count while a further one is awaited", async () => {
  const room = new GreetingRoom();
  const { clock, ask } = mutePrimary(new ManualClock(), room);
  const first = await ask();
  clock.advance(5000);
  await ask();
  for (let n = 0; n < 498; n++) room.enter({}, clock.now(), () => {});
  clock.advance(5000);
  assert.ok(room.enter({}, clock.now(), () => {}));
  assert.equal(await first.heard, undefined);
});

test("a primary that was silent for the patience of a probe gets five times as long until it greets", async () => {
  const { clock, waits, silences, prober, ask } = mutePrimary();
  const failAfter = async (milliseconds: number): Promise<number | undefined> => {
    const { heard } = await ask();
    clock.advance(milliseconds);
    waits.at(-1)?.fail(new DestinationTrouble("greeting", "no greeting"));
    await assert.rejects(heard, DestinationTrouble);
    return waits.at(-1)?.patience;
  };
  assert.deepEqual([await failAfter(100), await failAfter(60_000)], [60_000, 60_000]);
  const refusal = new DestinationTrouble("greeting", "554 no", { code: 554, text: "no" });
  const { heard } = await ask();
  clock.advance(60_000);
  waits.at(-1)?.fail(refusal);
  await assert.rejects(heard, refusal);
  assert.deepEqual(silences, [60_000], "a refusal is no silence, however late");
  assert.equal(await failAfter(100), 300_000);
  prober.greeted();
  assert.equal(await failAfter(100), 60_000);
});

test("at most 500 greetings of silent primaries are awaited at a time", async () => {
  const clock = new ManualClock();
  const room = new GreetingRoom();
  const mute = Array.from({ length: 800 }, () => mutePrimary(clock, room));
  const first = await Promise.all(mute.map(({ ask }) => ask()));
  const open = (): number => mute.flatMap(({ waits }) => waits).filter(({ closed }) => !closed).length;
  assert.equal(open(), 500);
  assert.equal(await first[500]?.heard, undefined, "there was no room, and nothing new is known");
  mute[1]?.waits[0]?.fail(new DestinationTrouble("greeting", "gone"));
  await idle();
  await mute[700]?.ask();
  assert.equal(mute[700]?.waits.length, 1, "what has ended left its place");
  clock.advance(10_000);
  await mute[500]?.ask();
  assert.equal(mute[500]?.waits.length, 1);
  await assert.rejects(first[0]?.heard ?? Promise.resolve(), /hundreds of other primaries/);
  assert.equal(open() - 1, 500, "one ended by itself");
});
