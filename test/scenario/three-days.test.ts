import { test } from "node:test";
import { mustHold } from "../prove/proof.ts";
import { prove } from "../prove/three-days.ts";

test("mail outlasts three days without its primary and arrives once when it returns", async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
