import { test } from "node:test";
import { prove } from "../prove/memory.ts";
import { mustHold } from "../prove/proof.ts";

test("the daemon stays small", { skip: process.platform !== "linux" && "needs /proc" }, async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
