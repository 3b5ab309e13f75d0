/**
 * Random walks: step after step something is done to a store and to its model, and the two are compared. Each step
 * has chances of its own, so that steps before it can be left out when a walk that fails is made shorter.
 */
import { errorText } from "../../../src/runtime/log.ts";
import { type Random, seededRandom } from "../../support/random.ts";
import { folderInMemory } from "../../support/temp-folder.ts";

/** A kind of walk. */
export interface Course<W> {
  readonly name: string;
  /** A new store in a folder below `home`, and its model. */
  open(home: string): Promise<W>;
  /** Does one thing, and says what that was. */
  step(world: W, random: Random, seed: number): Promise<string>;
  compare(world: W, random: Random): Promise<void>;
  /** Compares once more, and closes the store. */
  finish(world: W, random: Random): Promise<void>;
  giveUp(world: W): Promise<void>;
}

/** Walks that are tried to make one that fails shorter. */
const MOST_TRIES = 150;

interface WalkFailure {
  readonly name: string;
  readonly seed: number;
  /** Those that were taken; the last one failed. */
  readonly steps: readonly number[];
  /** What was done in each of them. */
  readonly story: readonly string[];
  readonly why: string;
}

/** Undefined: store and model were one to the end. */
export async function walk<W>(
  course: Course<W>,
  seed: number,
  steps: readonly number[],
): Promise<WalkFailure | undefined> {
  await using home = await folderInMemory();
  const world = await course.open(home.path);
  const story: string[] = [];
  let taken = 0;
  try {
    for (const step of steps) {
      taken += 1;
      const random = seededRandom(seed * 1_000_003 + step);
      story.push(`${step}: ${await course.step(world, random, seed)}`);
      await course.compare(world, random);
    }
    await course.finish(world, seededRandom(seed));
    return undefined;
  } catch (error) {
    await course.giveUp(world).catch(() => undefined);
    return { name: course.name, seed, steps: steps.slice(0, taken), story, why: errorText(error) };
  }
}

/** The shortest walk found that fails, too. */
export async function shortened<W>(course: Course<W>, failure: WalkFailure): Promise<WalkFailure> {
  let best = failure;
  let tries = 0;
  for (let size = Math.ceil(best.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let at = best.steps.length - size; at > -size && tries < MOST_TRIES; at -= size) {
      tries += 1;
      const steps = best.steps.filter((_, i) => i < at || i >= at + size);
      const again = steps.length < best.steps.length ? await walk(course, failure.seed, steps) : undefined;
      if (again !== undefined) best = again;
    }
  return best;
}

export function textOf({ name, seed, steps, story, why }: WalkFailure): string {
  const where = `${name}, seed ${seed}, ${steps.length} steps: ${steps.join(",")}`;
  return [where, ...story, why].join("\n    ");
}
