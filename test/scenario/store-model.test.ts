import { test } from "node:test";
import { mustHold } from "../prove/proof.ts";
import { prove } from "../prove/store-model.ts";

test("the store shows what a plain model of its promises holds, whatever is done to it", async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
