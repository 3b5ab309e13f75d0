import { test } from "node:test";
import { prove } from "../prove/front-door.ts";
import { mustHold } from "../prove/proof.ts";

test(
  "new clients are put off, known ones let in, and crowds leave nothing",
  { skip: process.platform !== "linux" && "needs /proc" },
  async (t) => {
    mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
  },
);
