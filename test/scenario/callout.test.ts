import { test } from "node:test";
import { prove } from "../prove/callout.ts";
import { mustHold } from "../prove/proof.ts";

test("callouts alone tell users from strangers before, during and after an outage", async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
