import { test } from "node:test";
import { prove } from "../prove/empty-primary.ts";
import { mustHold } from "../prove/proof.ts";

test('a primary that says "no such user" to everybody after its return costs no mail', async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
