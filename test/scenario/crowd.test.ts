import { test } from "node:test";
import { prove } from "../prove/crowd.ts";
import { mustHold } from "../prove/proof.ts";

test("a crowd of idle and slow clients keeps nobody from sending", async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
