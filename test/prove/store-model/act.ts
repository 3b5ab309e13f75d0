import type { Random } from "../../support/random.ts";
import type { World } from "./world.ts";

/** Does one thing to the store and to its model, and compares what the store answers; says what that was. */
export type Act = (world: World, random: Random) => Promise<string>;

/** Acts, and how often each is chosen beside the others. */
export type Acts = readonly (readonly [share: number, act: Act])[];
