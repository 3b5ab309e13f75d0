import { test } from "node:test";
import { prove } from "../prove/dictionary.ts";
import { mustHold } from "../prove/proof.ts";

test("a dictionary run and an empty primary teach nothing wrong", async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
