import { test } from "node:test";
import { prove } from "../prove/last-block.ts";
import { mustHold } from "../prove/proof.ts";
import { smallDiskMissing } from "../support/small-disk.ts";

test(
  "mail is delivered from a disk without a free block",
  { skip: smallDiskMissing() ?? false },
  async (t) => {
    mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
  },
);
