import { test } from "node:test";
import { mustHold } from "../prove/proof.ts";
import { prove } from "../prove/reload.ts";

test("reloads, a stop and a start under load lose nothing", async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
