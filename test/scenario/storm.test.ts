import { test } from "node:test";
import { mustHold } from "../prove/proof.ts";
import { prove } from "../prove/storm.ts";

test("a storm of all faults at once loses nothing, doubles nothing unnamed, and leaves nothing behind", async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
