import assert from "node:assert/strict";
import { test } from "node:test";
import type { SmtpThread } from "../../../src/threads/crew.ts";
import { PrimariesBoard } from "../../../src/daemon/primaries-board.ts";
import type { PrimariesFacts } from "../../../src/threads/primaries-facts.ts";
import type { KnownPrimaries, PrimaryStatus } from "../../../src/ports/health.ts";
import { ChannelClosed } from "../../../src/runtime/channel.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { idle } from "../../support/settle.ts";

function speaking(size: number, now: number): PrimaryStatus {
  const capabilities = { name: "p", extensions: ["SMTPUTF8"], size };
  return {
    destination: "p:25",
    domains: ["a"],
    state: "up",
    since: 0,
    connections: 0,
    capabilities,
    learnedAt: now,
  };
}

test("each life of an SMTP thread gets each change once", async () => {
  const clock = new ManualClock();
  const heard: string[] = [];
  const lifeOf = (name: string): SmtpThread => {
    const call = async (verb: string, { offers }: PrimariesFacts): Promise<void> =>
      void heard.push(`${name} ${verb} ${JSON.stringify(offers)}`);
    return { current: { control: { call } } } as unknown as SmtpThread;
  };
  let threads = [lifeOf("first")];
  let known: KnownPrimaries = { primaries: [speaking(100_000, clock.now())] };
  const board = new PrimariesBoard({
    primaries: async () => known,
    smtp: () => threads,
    clock,
  });
  await board.tell();
  await board.tell();
  known = { primaries: [], noPrimaries: "nobody answers" };
  await board.tell();
  threads = [lifeOf("second")];
  known = { primaries: [speaking(100_000, clock.now())] };
  await board.tell();
  known = { primaries: [speaking(200_000, clock.now())] };
  await board.tell();
  known = { primaries: [] };
  await board.tell();
  assert.deepEqual(heard, [
    'first learned [["a",{"smtpUtf8":true,"size":100000}]]',
    'second learned [["a",{"smtpUtf8":true,"size":100000}]]',
    'second learned [["a",{"smtpUtf8":true,"size":200000}]]',
    "second learned []",
  ]);
});

test("if a thread ends while it gets a change, the other threads still get it", async () => {
  const heard: string[] = [];
  const lifeOf = (name: string, ends: boolean): SmtpThread => {
    const call = async (): Promise<void> => {
      if (ends) throw new ChannelClosed();
      heard.push(name);
    };
    return { current: { control: { call } } } as unknown as SmtpThread;
  };
  const clock = new ManualClock();
  const board = new PrimariesBoard({
    primaries: async () => ({ primaries: [speaking(100_000, clock.now())] }),
    smtp: () => [lifeOf("first", true), lifeOf("second", false)],
    clock,
  });
  await board.tell();
  assert.deepEqual(heard, ["second"]);
});

test("a thread that hangs delays neither the others nor their next change", async () => {
  const clock = new ManualClock();
  const heard: string[] = [];
  const lifeOf = (name: string, answer: Promise<void>): SmtpThread => {
    const call = (_verb: string, { offers }: PrimariesFacts): Promise<void> => {
      heard.push(`${name} ${offers[0]?.[1].size}`);
      return answer;
    };
    return { current: { control: { call } } } as unknown as SmtpThread;
  };
  const threads = [lifeOf("hangs", new Promise(() => undefined)), lifeOf("lives", Promise.resolve())];
  let size = 100_000;
  const board = new PrimariesBoard({
    primaries: async () => ({ primaries: [speaking(size, clock.now())] }),
    smtp: () => threads,
    clock,
  });
  void board.tell();
  await idle();
  size = 200_000;
  void board.tell();
  await idle();
  assert.deepEqual(heard, ["hangs 100000", "lives 100000", "hangs 200000", "lives 200000"]);
});
