import { test } from "node:test";
import { mustHold } from "../prove/proof.ts";
import { prove } from "../prove/kill.ts";

test("kill -9 under load loses nothing, and doubles are named", async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
