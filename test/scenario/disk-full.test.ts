import { test } from "node:test";
import { diskFullMissing, prove } from "../prove/disk-full.ts";
import { mustHold } from "../prove/proof.ts";

test("a full disk puts new mail off and loses nothing", { skip: diskFullMissing() ?? false }, async (t) => {
  mustHold(await prove({ seed: 1, short: true, say: (line) => t.diagnostic(line) }));
});
