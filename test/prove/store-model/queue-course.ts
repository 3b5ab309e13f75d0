/** Walks of the queue: all that is done to mail, from its arrival to the end of its row in the ledger. */
import { strict as assert } from "node:assert";
import { setImmediate as turn } from "node:timers/promises";
import type { Random } from "../../support/random.ts";
import { lookIntoStore } from "../storm/store-check.ts";
import type { Act } from "./act.ts";
import { compareAll, compareSome } from "./compare.ts";
import { clearOut, DECIDING } from "./deciding.ts";
import { ENDURING, sweepSpool } from "./enduring.ts";
import { FAILING } from "./failing.ts";
import { HANDING_OVER } from "./handing-over.ts";
import { TAKING } from "./taking.ts";
import type { Course } from "./walk.ts";
import { World } from "./world.ts";

const ACTS = [...TAKING, ...HANDING_OVER, ...DECIDING, ...ENDURING, ...FAILING];
const SHARES = ACTS.reduce((sum, [share]) => sum + share, 0);
/** Mails in the store, about, by walk: among few each has a story, many fill more than a page. */
const MOST_MAILS = [8, 16, 16, 50] as const;

export const queueCourse: Course<World> = {
  name: "queue",
  open: (home) => World.open(home),
  step: (world, random, seed) => {
    const most = MOST_MAILS[seed % MOST_MAILS.length] ?? MOST_MAILS[0];
    const act = world.queue.mails.length > most ? clearOut : chosen(random);
    return act(world, random);
  },
  compare: compareSome,
  finish,
  giveUp: (world) => world.close(),
};

/** When all threads have ended and all is swept that nobody needs, nothing else may be left. */
async function finish(world: World, random: Random): Promise<void> {
  await compareAll(world, random);
  await world.killDelivery();
  for (const thread of [0, 1]) world.clients.replaceIntake(thread);
  await world.hear([]);
  await compareAll(world, random);
  await sweepSpool(world.clients.store);
  await world.close();
  // What was swept may still be on its way out.
  for (let turns = 0; turns < 100 && lookIntoStore(world.folder).failures.length > 0; turns++) await turn();
  assert.deepEqual(lookIntoStore(world.folder).failures, [], "the data folder");
}

function chosen(random: Random): Act {
  let share = random.below(SHARES);
  for (const [own, act] of ACTS) {
    share -= own;
    if (share < 0) return act;
  }
  throw new Error("the shares do not add up");
}
