import { test } from "node:test";
import { mustHold } from "../prove/proof.ts";
import { prove } from "../prove/queue-and-drain.ts";

test("mail is held while the primary is away and arrives once when it returns", async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
