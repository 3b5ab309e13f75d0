import { test } from "node:test";
import { mustHold } from "../prove/proof.ts";
import { prove } from "../prove/hostile.ts";

test("hostile clients get the replies that they should, and nothing is smuggled", async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
