import { test } from "node:test";
import { mustHold } from "../prove/proof.ts";
import { prove } from "../prove/recipients.ts";

test("a list is replaced under load with no wrong answer at any moment", async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
