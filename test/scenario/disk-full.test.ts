import { test } from "node:test";
import { prove } from "../prove/disk-full.ts";
import { mustHold } from "../prove/proof.ts";
import { smallDiskMissing } from "../support/small-disk.ts";

test("a full disk puts new mail off and loses nothing", { skip: smallDiskMissing() ?? false }, async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
