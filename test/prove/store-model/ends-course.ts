/**
 * Walks of lives that end hard: while bodies arrive, are flushed and handed over, the process is killed, the storage
 * thread ends before the others, or the disk fails at one step. What was promised is there in the next life.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Random } from "../../support/random.ts";
import { EndsWorld } from "./ends-world.ts";
import type { Course } from "./walk.ts";

/** Acts of one step, at most, and turns of the event loop between two of them. */
const MOST_ACTS = 40;
const MOST_TURNS = 4;
/** Turns that a call of the disk may take. */
const SLOWEST = 20;
/** In ms. */
const COMPACTED_EACH = 60_000;

const ENDS = ["none", "restart", "process", "process", "storage thread", "storage thread"] as const;
const METHODS = ["write", "writev", "sync", "sync", "datasync"] as const;
const CODES = ["EIO", "EIO", "ENOSPC", "EMFILE"] as const;

type Act = (world: EndsWorld, random: Random) => Promise<string>;

const send: Act = async (world, random) => `send ${world.send(random)}`;

const handOver: Act = async (world, random) => {
  world.handOver(random);
  return "hand over";
};

const look: Act = async (world, random) => {
  world.look(random);
  return "export";
};

const recover: Act = async ({ life }) => {
  life.heal();
  life.clock.advance(COMPACTED_EACH);
  return "the disk is well, a minute passes";
};

const slowDown: Act = async ({ life }, random) => {
  const slow = { method: random.pick(METHODS), turns: 1 + random.below(SLOWEST) };
  await life.slowDown(slow);
  return `each ${slow.method} takes ${slow.turns} turns`;
};

const failFile: Act = async ({ life }, random) => {
  const fault = { method: random.pick(METHODS), nth: 1 + random.below(6), code: random.pick(CODES) };
  await life.failFile(fault);
  return `${fault.method} ${fault.nth} fails with ${fault.code}`;
};

const failCommit: Act = async ({ life }, random) => {
  const code = random.pick(["EIO", "SQLITE_FULL"]);
  life.disk.failCommit = code;
  return `commits fail with ${code}`;
};

const failAfterCommit: Act = async ({ life }) => {
  life.disk.failAfterCommit = "EIO";
  return "commits fail, and reach the disk";
};

/** What a step begins with, and what may happen in it. */
const WEATHERS: readonly (readonly [start: readonly Act[], acts: readonly Act[]])[] = [
  [[], [send, send, handOver, look]],
  [[slowDown], [send, send, send, handOver]],
  [
    [slowDown, slowDown],
    [send, send, send, send, handOver, recover],
  ],
  [[failFile], [send, send, send, handOver]],
  [[], [send, send, send, send, handOver, handOver, failFile, failCommit, failAfterCommit, recover, recover]],
];

export const endsCourse: Course<EndsWorld> = {
  name: "ends",
  open: (home) => EndsWorld.open(home),
  step: async (world, random) => {
    const [start, acts] = random.pick(WEATHERS);
    const story: string[] = [];
    for (const act of start) story.push(await act(world, random));
    for (let left = 1 + random.below(MOST_ACTS); left > 0; left--) {
      story.push(await random.pick(acts)(world, random));
      for (let turns = random.below(MOST_TURNS); turns > 0; turns--) await turn();
    }
    const how = random.pick(ENDS);
    if (how === "restart") await world.restart();
    else if (how !== "none") await world.end(how);
    return `${story.join("; ")}; end: ${how}`;
  },
  compare: async (world) => {
    await world.calm();
    await world.compare();
  },
  finish: (world) => world.finish(),
  giveUp: (world) => world.life.close(),
};
