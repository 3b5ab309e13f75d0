import assert from "node:assert/strict";
import { test } from "node:test";
import { liveInRegion } from "../../../support/delivery-region.ts";

const LIVES = 24;
const STEPS = 60;

test("nothing lies beside an idle primary, and once all is well nothing waits, is held or needs an operator", async () => {
  for (let seed = 1; seed <= LIVES; seed++)
    assert.deepEqual(await liveInRegion(seed, STEPS), [], `seed ${seed}`);
});
