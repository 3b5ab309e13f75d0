/**
 * Random walks: step after step something is done to a store and to its model, and the two are compared. Each step
 * has chances of its own, so that steps before it can be left out when a walk that fails is made shorter.
 */
import { strict as assert } from "node:assert";
import { setImmediate as turn } from "node:timers/promises";
import { errorText } from "../../../src/runtime/log.ts";
import { folderInMemory } from "../../support/temp-folder.ts";
import { type Random, seededRandom } from "../../support/random.ts";
import { lookIntoStore } from "../storm/store-check.ts";
import type { Act } from "./act.ts";
import { compareAll, compareSome } from "./compare.ts";
import { clearOut, DECIDING } from "./deciding.ts";
import { FAILING } from "./failing.ts";
import { ENDURING, sweepSpool } from "./enduring.ts";
import { HANDING_OVER } from "./handing-over.ts";
import { TAKING } from "./taking.ts";
import { World } from "./world.ts";

const ACTS = [...TAKING, ...HANDING_OVER, ...DECIDING, ...ENDURING, ...FAILING];
const SHARES = ACTS.reduce((sum, [share]) => sum + share, 0);
/** Mails in the store, about, by walk: among few each has a story, many fill more than a page. */
const MOST_MAILS = [8, 16, 16, 50] as const;
/** Walks that are tried to make one that fails shorter. */
const MOST_TRIES = 150;

export interface WalkFailure {
  readonly seed: number;
  /** Those that were taken; the last one failed. */
  readonly steps: readonly number[];
  /** What was done in each of them. */
  readonly story: readonly string[];
  readonly why: string;
}

/** Undefined: store and model were one to the end. */
export async function walk(seed: number, steps: readonly number[]): Promise<WalkFailure | undefined> {
  await using home = await folderInMemory();
  const world = await World.open(home.path);
  const story: string[] = [];
  const most = MOST_MAILS[seed % MOST_MAILS.length] ?? MOST_MAILS[0];
  let taken = 0;
  try {
    for (const step of steps) {
      taken += 1;
      const random = seededRandom(seed * 1_000_003 + step);
      const act = world.queue.mails.length > most ? clearOut : chosen(random);
      story.push(`${step}: ${await act(world, random)}`);
      await compareSome(world, random);
    }
    await finish(world, seededRandom(seed));
    return undefined;
  } catch (error) {
    await world.close().catch(() => undefined);
    return { seed, steps: steps.slice(0, taken), story, why: errorText(error) };
  }
}

/** The shortest walk found that fails, too. */
export async function shortened(failure: WalkFailure): Promise<WalkFailure> {
  let best = failure;
  let tries = 0;
  for (let size = Math.ceil(best.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let at = best.steps.length - size; at > -size && tries < MOST_TRIES; at -= size) {
      tries += 1;
      const steps = best.steps.filter((_, i) => i < at || i >= at + size);
      const again = steps.length < best.steps.length ? await walk(failure.seed, steps) : undefined;
      if (again !== undefined) best = again;
    }
  return best;
}

export function textOf({ seed, steps, story, why }: WalkFailure): string {
  return [`seed ${seed}, ${steps.length} steps: ${steps.join(",")}`, ...story, why].join("\n    ");
}

/** When all threads have ended and all is swept that nobody needs, nothing else may be left. */
async function finish(world: World, random: Random): Promise<void> {
  await compareAll(world, random);
  await world.killDelivery();
  for (const thread of [0, 1]) world.clients.replaceIntake(thread);
  await world.hear([]);
  await compareAll(world, random);
  await sweepSpool(world);
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
